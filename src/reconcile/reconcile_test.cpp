#include <gtest/gtest.h>

#include "reconcile/controller.h"
#include "reconcile/events.h"
#include "reconcile/why.h"
#include "store/testing.h"

namespace landfall::reconcile {
namespace {

using store::Put;
using store::TestStore;

struct QueueTest : testing::Test {
  FakeClock clock{from_unix_ms(1'800'000'000'000)};
  SeededRandom random{1};
  WorkQueue queue{clock, random, {.first = Millis(100), .most = Millis(1000), .jitter = 0}};
};

TEST_F(QueueTest, HandsOutEachKeyOnceAndAgainWhenItChangedMeanwhile) {
  queue.add("a");
  queue.add("b");
  queue.add("a");
  EXPECT_EQ(queue.take(), "a");
  EXPECT_EQ(queue.take(), "b");
  EXPECT_EQ(queue.take(), std::nullopt);
  queue.add("a");
  EXPECT_EQ(queue.take(), std::nullopt);
  queue.finished("a");
  EXPECT_EQ(queue.take(), "a");
  queue.finished("a");
  queue.finished("b");
  EXPECT_EQ(queue.waiting() + queue.working(), 0U);
  EXPECT_EQ(queue.next_due(), std::nullopt);
}

TEST_F(QueueTest, KeepsTheEarliestMoment) {
  queue.add_after("a", Millis(50));
  queue.add_after("a", Millis(500));
  EXPECT_EQ(queue.next_due(), Millis(50));
  queue.add_after("a", Millis(20));
  clock.advance(Millis(19));
  EXPECT_EQ(queue.take(), std::nullopt);
  EXPECT_EQ(queue.next_due(), Millis(1));
  clock.advance(Millis(1));
  EXPECT_EQ(queue.take(), "a");
}

TEST_F(QueueTest, BacksOffPerKeyUntilItSucceeds) {
  queue.add("a");
  for (const int expected : {100, 200, 400, 800, 1000, 1000}) {
    ASSERT_EQ(queue.take(), "a");
    EXPECT_EQ(queue.failed("a"), Millis(expected));
    EXPECT_EQ(queue.next_due(), Millis(expected));
    queue.add("b");
    EXPECT_EQ(queue.take(), "b");  // does not wait for a
    queue.finished("b");
    clock.advance(Millis(expected));
  }
  EXPECT_EQ(queue.failures("a"), 6);
  ASSERT_EQ(queue.take(), "a");
  queue.finished("a");
  EXPECT_EQ(queue.failures("a"), 0);
  queue.add("a");
  ASSERT_EQ(queue.take(), "a");
  EXPECT_EQ(queue.failed("a"), Millis(100));
  queue.add("a");  // a change may be the repair
  EXPECT_EQ(queue.take(), "a");
}

TEST_F(QueueTest, AClockSetBackDoesNotDelay) {
  queue.add_after("a", Millis(100));
  clock.advance(Millis(40));
  EXPECT_EQ(queue.next_due(), Millis(60));
  clock.set(clock.now() - std::chrono::hours(3));
  EXPECT_EQ(queue.next_due(), Millis(60));
  clock.advance(Millis(60));
  EXPECT_EQ(queue.take(), "a");
}

TEST_F(QueueTest, JitterStaysWithinItsBounds) {
  std::set<Millis> seen;
  for (int i = 0; i < 1000; ++i) {
    const Millis delay = backoff_delay({Millis(1000), Millis(8000), 0.2}, 2, random);
    EXPECT_GE(delay, Millis(1600));
    EXPECT_LE(delay, Millis(2400));
    seen.insert(delay);
  }
  EXPECT_GT(seen.size(), 300U);
}

// ---- controller

struct ControllerTest : testing::Test {
  TestStore test;
  SeededRandom random{1};
  std::vector<std::string> seen;
  std::function<Result<Requeue>(const std::string&)> answer = [](const std::string&) {
    return Result<Requeue>(Requeue{});
  };
  std::unique_ptr<Controller> controller;

  task<Result<Requeue>> reconcile(std::string key) {
    co_await test.loop.yield();
    seen.push_back(key);
    co_return answer(key);
  }
  void make(std::vector<Source> sources, std::size_t workers = 1) {
    controller = std::make_unique<Controller>(
        test.loop, *test.store, test.clock, random,
        ControllerOptions{.name = "test",
                          .sources = std::move(sources),
                          .workers = workers,
                          .backoff = {.first = Millis(100), .jitter = 0},
                          .step_timeout = Millis(2000),
                          .resync = Millis(0)},
        [this](std::string key) { return reconcile(std::move(key)); });
  }
  task<void> put(std::string key) {
    EXPECT_TRUE(co_await test.store->commit({{}, {Put{std::move(key), ""}}}));
    co_await test.loop.yield();
    co_await test.loop.yield();
    co_await controller->settle();
  }
  // Only what the watch delivers later is waited for here; everything else is exact.
  task<void> settle_until(std::size_t count) {
    for (int i = 0; i < 200 && seen.size() < count; ++i) {
      co_await test.loop.sleep_for(Millis(1));
      co_await controller->settle();
    }
  }
  std::vector<std::string> taken() { return std::exchange(seen, {}); }
  void run(task<void> body) { test.loop.run(std::move(body)); }
};
using Keys = std::vector<std::string>;

TEST_F(ControllerTest, ReconcilesWhatIsThereThenWhatChanges) {
  make({{"/a/", {}}});
  run([](ControllerTest& t) -> task<void> {
    co_await t.put("/a/1");
    co_await t.put("/b/1");
    t.controller->start();
    co_await t.controller->settle();
    EXPECT_EQ(t.taken(), Keys{"/a/1"});
    co_await t.put("/a/2");
    co_await t.put("/b/2");
    co_await t.settle_until(1);
    EXPECT_EQ(t.taken(), Keys{"/a/2"});
    EXPECT_TRUE(co_await t.test.store->commit({{}, {store::Delete{"/a/1"}}}));
    co_await t.settle_until(1);
    EXPECT_EQ(t.taken(), Keys{"/a/1"});
    t.controller->enqueue("/a/9");
    co_await t.controller->settle();
    EXPECT_EQ(t.taken(), Keys{"/a/9"});
    co_await t.controller->stop();
  }(*this));
}

TEST_F(ControllerTest, AFailingKeyWaitsAloneAndAThrowingOneToo) {
  make({{"/a/", {}}});
  run([](ControllerTest& t) -> task<void> {
    t.answer = [](const std::string& key) -> Result<Requeue> {
      if (key == "/a/bad") return fail("broken", "it is broken");
      if (key == "/a/thrown") throw std::runtime_error("thrown");
      return Requeue{Millis(1000)};
    };
    t.controller->start();
    t.controller->enqueue("/a/bad");
    t.controller->enqueue("/a/thrown");
    t.controller->enqueue("/a/good");
    co_await t.controller->settle();
    EXPECT_EQ(t.taken(), (Keys{"/a/bad", "/a/thrown", "/a/good"}));
    t.test.clock.advance(Millis(99));
    t.controller->clock_moved();
    co_await t.controller->settle();
    EXPECT_EQ(t.taken(), Keys{});
    t.test.clock.advance(Millis(1));
    t.controller->clock_moved();
    co_await t.controller->settle();
    EXPECT_EQ(t.taken(), (Keys{"/a/bad", "/a/thrown"}));
    t.test.clock.advance(Millis(900));  // good is due; the others wait another 200 since 100
    t.answer = [](const std::string&) { return Result<Requeue>(Requeue{}); };
    t.controller->clock_moved();
    co_await t.controller->settle();
    EXPECT_EQ(t.taken(), (Keys{"/a/bad", "/a/thrown", "/a/good"}));
    EXPECT_EQ(t.controller->queue().waiting(), 0U);
    co_await t.controller->stop();
  }(*this));
}

TEST_F(ControllerTest, MapsChangesToWork) {
  make({{"/rules/", [](const store::KeyValue& kv, const std::optional<store::KeyValue>& before) {
           Keys keys{"group-" + kv.value};
           if (before) keys.push_back("group-" + before->value);
           return keys;
         }}});
  run([](ControllerTest& t) -> task<void> {
    std::ignore = co_await t.test.store->commit({{}, {Put{"/rules/1", "x"}}});
    t.controller->start();
    co_await t.settle_until(1);
    EXPECT_EQ(t.taken(), Keys{"group-x"});
    std::ignore = co_await t.test.store->commit({{}, {Put{"/rules/1", "y"}}});
    co_await t.settle_until(2);
    EXPECT_EQ(t.taken(), (Keys{"group-y", "group-x"}));
    co_await t.controller->stop();
  }(*this));
}

TEST_F(ControllerTest, StopEndsAReconcileThatWaits) {
  controller = std::make_unique<Controller>(
      test.loop, *test.store, test.clock, random, ControllerOptions{.name = "test"},
      [this](std::string key) -> task<Result<Requeue>> {
        return [](ControllerTest& t, std::string k) -> task<Result<Requeue>> {
          t.seen.push_back(k);
          co_await t.test.loop.sleep_for(std::chrono::hours(1));
          co_return Requeue{};
        }(*this, std::move(key));
      });
  run([](ControllerTest& t) -> task<void> {
    t.controller->start();
    t.controller->enqueue("slow");
    while (t.seen.empty()) co_await t.test.loop.yield();
    co_await t.controller->stop();
  }(*this));
  EXPECT_EQ(seen, Keys{"slow"});
}

// ---- conditions, events, why

TEST(Conditions, MoveSinceOnlyWithTheStatus) {
  Conditions conditions;
  EXPECT_TRUE(set_condition(conditions, {"Stable", Status::no, "Starting", "m"}, from_unix_ms(1)));
  EXPECT_FALSE(set_condition(conditions, {"Stable", Status::no, "Starting", "m"}, from_unix_ms(2)));
  EXPECT_TRUE(set_condition(conditions, {"Stable", Status::no, "Pulling", "m"}, from_unix_ms(3)));
  EXPECT_EQ(find_condition(conditions, "Stable")->since, from_unix_ms(1));
  EXPECT_TRUE(set_condition(conditions, {"Stable", Status::yes, "Steady", ""}, from_unix_ms(4)));
  EXPECT_EQ(find_condition(conditions, "Stable")->since, from_unix_ms(4));
  EXPECT_TRUE(is_true(conditions, "Stable"));
  EXPECT_TRUE(remove_condition(conditions, "Stable"));
  EXPECT_FALSE(is_true(conditions, "Stable"));
}

task<void> record_events(TestStore& test) {
  SeededRandom random(1);
  EventLog log(*test.store, test.clock, random);
  const std::string arn = "arn:aws:ecs:us-west-1:123456789012:service/a/b";
  for (int i = 0; i < 130; ++i) {
    EXPECT_TRUE(co_await log.record(arn, {.reason = "Started", .message = std::to_string(i)}));
    if (i % 3 == 0) test.clock.advance(Millis(1));
    if (i == 60) test.clock.set(test.clock.now() - std::chrono::hours(1));
  }
  auto events = log.list(arn);
  EXPECT_EQ(events.size(), kMostEvents);
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].message, std::to_string(i + 30));
  }
  EXPECT_TRUE(co_await log.record(arn, {.reason = "Started", .message = "129"}));
  EXPECT_EQ(log.list(arn).size(), kMostEvents);
  EXPECT_EQ(log.list(arn).back().count, 2);
  EXPECT_TRUE(log.list(arn + "/longer").empty());
  EXPECT_TRUE(co_await test.store->commit({{}, {log.forget(arn)}}));
  EXPECT_TRUE(log.list(arn).empty());
}
TEST(Events, KeepTheLatestInOrderAndCountRepeats) {
  TestStore test;
  test.loop.run(record_events(test));
}

Why::Explain known(std::map<std::string, Explanation> resources) {
  auto look_up = [](std::map<std::string, Explanation> all,
                    std::string reference) -> task<std::optional<Explanation>> {
    const auto found = all.find(reference);
    if (found == all.end()) co_return std::nullopt;
    co_return found->second;
  };
  return [resources, look_up](Scope, std::string reference) {
    return look_up(resources, std::move(reference));
  };
}

task<void> ask_why() {
  Why why;
  Explanation service{"arn:service", "ECS service", "0 of 1 running", {}, {"arn:group"}};
  service.findings.push_back({Severity::problem, "TasksStop", "tasks stop", "", {"arn:task"}});
  Explanation stopped_task{"arn:task", "ECS task", "STOPPED", {}, {"arn:service"}};
  stopped_task.findings.push_back(
      {Severity::problem, "NoRoute", "cannot connect", "", {"arn:group", "arn:gone"}});
  Explanation group{"arn:group", "security group", "", {}, {}};
  group.findings.push_back({Severity::problem, "RuleMissing", "port 5432 closed", "open it", {}});
  why.add("ecs", known({{"web", service}, {"arn:service", service}, {"arn:task", stopped_task}}));
  why.add("ec2", known({{"arn:group", group}}));
  auto answer = co_await why.ask({}, "web");
  EXPECT_TRUE(answer);
  if (!answer) co_return;
  EXPECT_EQ(answer->steps.size(), 3U);
  EXPECT_EQ(answer->unknown, Keys{"arn:gone"});
  const auto causes = answer->causes();
  EXPECT_EQ(causes.size(), 1U);
  EXPECT_EQ(causes.front().finding.reason, "RuleMissing");
  EXPECT_TRUE(format_answer(*answer).starts_with("cause: RuleMissing: port 5432 closed\n"));
  EXPECT_EQ((co_await why.ask({}, "nothing")).error().code, "not-found");
}
TEST(WhyTest, WalksToTheRootCause) {
  io::Loop loop{1};
  loop.run(ask_why());
}

}  // namespace
}  // namespace landfall::reconcile
