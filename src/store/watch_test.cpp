#include <gtest/gtest.h>

#include "store/testing.h"

namespace landfall::store {
namespace {

std::string describe(const std::vector<Event>& events) {
  std::string text;
  for (const Event& event : events) {
    text += fmt::format("{}{}={}({}) ", event.kind == Event::Kind::put ? "" : "-",
                        event.current.key, event.current.value, event.current.mod_revision);
  }
  return text;
}

task<void> put(Store& store, std::string key, std::string value = "") {
  auto done = co_await store.commit({{}, {Put{std::move(key), std::move(value)}}});
  EXPECT_TRUE(done);
}

task<void> in_order(Store& store) {
  co_await put(store, "/a/1", "x");
  auto from_now = store.watch("/a/", store.revision());
  auto from_start = store.watch("/a/", 0);
  auto elsewhere = store.watch("/b/", 0);
  co_await put(store, "/b/1");
  std::ignore = co_await store.commit({{}, {Put{"/a/2", "y"}, Delete{"/a/1"}}});
  EXPECT_EQ(describe(*co_await from_now->next()), "-/a/1=(3) /a/2=y(3) ");
  EXPECT_EQ(describe(*co_await from_start->next()), "/a/1=x(1) -/a/1=(3) /a/2=y(3) ");
  EXPECT_EQ(describe(*co_await elsewhere->next()), "/b/1=(2) ");
  co_await put(store, "/a/3");
  EXPECT_EQ(describe(*co_await from_start->next()), "/a/3=(4) ");
}
TEST(Watch, DeliversInOrderFromThePastIntoThePresent) {
  TestStore test;
  test.loop.run(in_order(*test.store));
}

task<void> read_until(std::unique_ptr<Watch> watch, std::size_t wanted, std::vector<Event>& out) {
  while (out.size() < wanted) {
    auto events = co_await watch->next();
    EXPECT_TRUE(events);
    if (!events) co_return;
    out.insert(out.end(), events->begin(), events->end());
  }
}
task<void> wait_and_write(io::Loop& loop, Store& store) {
  std::vector<Event> seen;
  io::TaskScope scope(loop);
  scope.spawn("watch", read_until(store.watch("/", 0), 50, seen));
  for (int i = 0; i < 50; ++i) co_await put(store, fmt::format("/{}", i));
  co_await scope.join();
  EXPECT_EQ(seen.size(), 50U);
  for (std::size_t i = 0; i < seen.size(); ++i) {
    EXPECT_EQ(seen[i].current.mod_revision, static_cast<Revision>(i + 1));
  }
}
TEST(Watch, WakesTheOneThatWaits) {
  TestStore test;
  test.loop.run(wait_and_write(test.loop, *test.store));
}

task<void> stop_waiting(io::Loop& loop, Store& store) {
  std::vector<Event> seen;
  io::TaskScope scope(loop);
  scope.spawn("watch", read_until(store.watch("/", 0), 1, seen));
  co_await loop.yield();
  co_await scope.stop();
  EXPECT_TRUE(seen.empty());
  co_await put(store, "/a");  // nobody listens any more
}
TEST(Watch, EndsWhenStopped) {
  TestStore test;
  test.loop.run(stop_waiting(test.loop, *test.store));
}

task<void> fall_behind(Store& store) {
  auto watch = store.watch("/", 0);
  Revision last = 0;
  // More than a watch queues: it goes on from the history, without a gap.
  for (int i = 0; i < 60; ++i) {
    Transaction many;
    for (int j = 0; j < 100; ++j) many.operations.push_back(Put{fmt::format("/{}/{}", i, j), "v"});
    std::ignore = co_await store.commit(std::move(many));
  }
  std::size_t seen = 0;
  while (seen < 6000) {
    auto events = co_await watch->next();
    EXPECT_TRUE(events);
    if (!events) co_return;
    for (const Event& event : *events) {
      EXPECT_LE(event.current.mod_revision, last + 1);
      EXPECT_GE(event.current.mod_revision, last);
      last = event.current.mod_revision;
    }
    EXPECT_EQ(events->size() % 100, 0U);  // transactions come whole
    seen += events->size();
  }
  EXPECT_EQ(seen, 6000U);
  co_await put(store, "/live");
  EXPECT_EQ(describe(*co_await watch->next()), "/live=(61) ");
}
TEST(Watch, ThatFallsBehindGoesOnFromTheHistory) {
  TestStore test;
  test.loop.run(fall_behind(*test.store));
}

task<void> compact(Store& store) {
  auto early = store.watch("/", 1);
  for (int i = 0; i < 100; ++i) co_await put(store, "/a", std::to_string(i));
  auto late = store.watch("/", 95);
  EXPECT_EQ((co_await late->next())->front().current.mod_revision, 96);
  auto gone = store.watch("/", 1);
  auto refused = co_await gone->next();
  EXPECT_EQ(refused.error().code, "compacted");
  EXPECT_EQ((co_await gone->next()).error().code, "compacted");
  // Nothing of another prefix is there to be missed, but nobody can know that.
  auto other = store.watch("/other", 1);
  EXPECT_EQ((co_await other->next()).error().code, "compacted");
  // It was opened when its revision was still there, and its queue was never full.
  EXPECT_EQ((co_await early->next())->front().current.mod_revision, 2);
}
TEST(Watch, SaysWhenTheHistoryIsGone) {
  TestStore test({.history = 20});
  test.loop.run(compact(*test.store));
}

task<void> live_first(Store& store) {
  co_await put(store, "/a");
  co_await put(store, "/b");
}
task<void> after_restart(Store& store) {
  auto watch = store.watch("/", 1);
  EXPECT_EQ(describe(*co_await watch->next()), "/b=(2) ");
}
TEST(Watch, StartsInThePastAfterARestart) {
  TemporaryFolder folder;
  {
    TestStore test({.file = folder.path() / "state.db"});
    test.loop.run(live_first(*test.store));
  }
  TestStore test({.file = folder.path() / "state.db"});
  test.loop.run(after_restart(*test.store));
}

task<void> leases(TestStore& test) {
  Store& store = *test.store;
  const std::int64_t lease = *co_await store.grant_lease(Millis(10'000));
  std::ignore = co_await store.commit({{}, {Put{"/l/1", "", lease}, Put{"/l/2", ""}}});
  EXPECT_EQ(store.get("/l/1")->lease, lease);
  auto watch = store.watch("/l/", store.revision());
  test.clock.advance(Millis(9'000));
  EXPECT_TRUE(co_await store.renew_lease(lease));
  test.clock.advance(Millis(9'999));
  co_await put(store, "/x");
  EXPECT_TRUE(store.get("/l/1"));
  test.clock.advance(Millis(1));
  co_await put(store, "/x");  // nobody writes between the end of a lease and that of its keys
  EXPECT_FALSE(store.get("/l/1"));
  EXPECT_TRUE(store.get("/l/2"));
  EXPECT_EQ(describe(*co_await watch->next()), "-/l/1=(3) ");
  EXPECT_EQ((co_await store.renew_lease(lease)).error().code, "lease-not-found");
  EXPECT_EQ((co_await store.revoke_lease(lease)).error().code, "lease-not-found");
}
TEST(Lease, RunsOutUnlessRenewed) {
  TestStore test;
  test.loop.run(leases(test));
}

task<void> expire_by_itself(Store& store) {
  const std::int64_t lease = *co_await store.grant_lease(Millis(5));
  std::ignore = co_await store.commit({{}, {Put{"/l", "", lease}}});
  auto watch = store.watch("/l", store.revision());
  EXPECT_EQ(describe(*co_await watch->next()), "-/l=(2) ");
}
TEST(Lease, RunsOutWithoutAnybodyWriting) {
  TemporaryFolder folder;
  io::Loop loop{1};
  SystemClock clock;
  auto store = open_sqlite(loop, clock, {.file = folder.path() / "state.db"});
  ASSERT_TRUE(store);
  loop.run(expire_by_itself(**store));
}

task<void> grant(Store& store, std::int64_t& lease) {
  lease = *co_await store.grant_lease(Millis(10'000));
  std::ignore = co_await store.commit({{}, {Put{"/l", "", lease}}});
}
task<void> has_grace(TestStore& test, std::int64_t lease) {
  test.clock.advance(Millis(9'999));
  co_await put(*test.store, "/x");
  EXPECT_TRUE(test.store->get("/l"));
  EXPECT_TRUE(co_await test.store->revoke_lease(lease));
  EXPECT_FALSE(test.store->get("/l"));
  EXPECT_NE(*co_await test.store->grant_lease(Millis(1)), lease);
}
TEST(Lease, HasItsWholeTimeAgainAfterARestart) {
  TemporaryFolder folder;
  std::int64_t lease = 0;
  {
    TestStore test({.file = folder.path() / "state.db"});
    test.clock.set(test.clock.now() - std::chrono::hours(1));
    test.loop.run(grant(*test.store, lease));
  }
  TestStore test({.file = folder.path() / "state.db"});
  test.loop.run(has_grace(test, lease));
}

}  // namespace
}  // namespace landfall::store
