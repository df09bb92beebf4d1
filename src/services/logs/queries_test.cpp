#include "services/logs/queries.h"

#include <gtest/gtest.h>

#include "services/logs/store.h"
#include "store/testing.h"

namespace landfall::logs {
namespace {

struct Fixture : store::TestStore {
  Fixture() {
    auto opened = Engine::open(loop, clock, random, folder.path() / "logs");
    CHECK(opened.has_value());
    engine = std::move(*opened);
  }
  QueryRunner runner(QueryRunner::Settings settings = {}) {
    return {loop, *store, clock, *engine, folder.path() / "queries", settings};
  }
  QueryRecord query(std::string text) {
    QueryRecord record;
    record.id = random.uuid();
    record.account = scope.account;
    record.text = std::move(text);
    record.groups = {{1, "/g", 0}};
    record.to_ms = to_unix_ms(clock.now()) + 1;
    record.limit = 10'000;
    record.created_at = clock.now();
    return record;
  }
  task<void> fill(int events) {
    EXPECT_TRUE(co_await engine->create_stream(1, "s"));
    AppendRequest request;
    request.group = 1;
    request.stream = "s";
    for (int i = 0; i < events; ++i) {
      request.events.push_back({to_unix_ms(clock.now()) - events + i, fmt::format("n={}", i)});
    }
    EXPECT_TRUE(co_await engine->append(std::move(request)));
  }
  task<QueryRecord> ended(QueryRunner& runner, std::string id) {
    while (true) {
      auto found = runner.find(scope, id);
      EXPECT_TRUE(found);
      if (!found || found->ended()) co_return found.value_or(QueryRecord{});
      co_await loop.sleep_for(Millis(1));
    }
  }
  SeededRandom random{1};
  Scope scope{"123456789012", "us-west-1"};
  std::unique_ptr<Engine> engine;
};

task<void> run_one(Fixture& f) {
  co_await f.fill(100);
  auto runner = f.runner();
  runner.start();
  const QueryRecord query = f.query("parse \"n=*\" as n | filter n >= 90 | stats sum(n) as s");
  EXPECT_TRUE(co_await runner.submit(f.scope, query));
  const QueryRecord done = co_await f.ended(runner, query.id);
  EXPECT_EQ(done.status, "Complete");
  EXPECT_EQ(done.scanned, 100);
  EXPECT_EQ(done.matched, 10);
  auto table = co_await runner.results(query.id);
  EXPECT_TRUE(table);
  if (table) EXPECT_EQ(table->rows.at(0).at(0), "945");
  auto again = co_await runner.cancel(f.scope, query.id);
  EXPECT_EQ(again.error().code, "ended");
  EXPECT_EQ((co_await runner.cancel(f.scope, "other")).error().code, "not-found");
  EXPECT_FALSE(runner.find({"123456789012", "eu-west-1"}, query.id));
  // A week later it is gone, with its results.
  f.clock.advance(std::chrono::hours(24 * 7) + Millis(1));
  co_await runner.sweep();
  EXPECT_FALSE(runner.find(f.scope, query.id));
  EXPECT_FALSE(co_await runner.results(query.id));
  co_await runner.stop();
}
TEST(LogsQueries, RunsAndForgets) {
  Fixture f;
  f.loop.run(run_one(f));
}

task<void> limits(Fixture& f) {
  co_await f.fill(10);
  QueryRunner::Settings settings;
  settings.at_once = 0;  // nothing gets its turn
  settings.most_open = 2;
  auto runner = f.runner(settings);
  runner.start();
  const QueryRecord first = f.query("stats count(*) as c");
  const QueryRecord second = f.query("stats count(*) as c");
  EXPECT_TRUE(co_await runner.submit(f.scope, first));
  EXPECT_TRUE(co_await runner.submit(f.scope, second));
  auto third = co_await runner.submit(f.scope, f.query("stats count(*)"));
  EXPECT_EQ(third.error().code, "too-many-queries");
  EXPECT_TRUE(co_await runner.submit({"123456789012", "eu-west-1"}, f.query("stats count(*)")));
  EXPECT_EQ(runner.find(f.scope, first.id)->status, "Scheduled");
  EXPECT_TRUE(co_await runner.cancel(f.scope, first.id));
  EXPECT_EQ(runner.find(f.scope, first.id)->status, "Cancelled");
  EXPECT_EQ((co_await runner.cancel(f.scope, first.id)).error().message, "Cancelled");
  co_await runner.stop();
  // As after a restart: what had not ended runs.
  auto next = f.runner();
  next.start();
  EXPECT_EQ(next.list(f.scope).size(), 2U);
  EXPECT_EQ((co_await f.ended(next, second.id)).status, "Complete");
  EXPECT_EQ(next.find(f.scope, first.id)->status, "Cancelled");
  co_await next.stop();
}
TEST(LogsQueries, BoundsWhatRunsAndRunsItAgain) {
  Fixture f;
  f.loop.run(limits(f));
}

task<void> failures(Fixture& f) {
  co_await f.fill(2000);
  QueryRunner::Settings settings;
  settings.memory = 64 << 10;
  settings.timeout = Millis(-1);
  auto late = f.runner(settings);
  late.start();
  const QueryRecord slow = f.query("stats count(*) by @message");
  EXPECT_TRUE(co_await late.submit(f.scope, slow));
  EXPECT_EQ((co_await f.ended(late, slow.id)).status, "Timeout");
  co_await late.stop();
  settings.timeout = std::chrono::minutes(1);
  auto small = f.runner(settings);
  small.start();
  const QueryRecord large = f.query("stats count(*) by @message");
  EXPECT_TRUE(co_await small.submit(f.scope, large));
  const QueryRecord failed = co_await f.ended(small, large.id);
  EXPECT_EQ(failed.status, "Failed");
  EXPECT_NE(failed.why.find("too much memory"), std::string::npos) << failed.why;
  co_await small.stop();
}
TEST(LogsQueries, SaysWhyAQueryDidNotComplete) {
  Fixture f;
  f.loop.run(failures(f));
}

}  // namespace
}  // namespace landfall::logs
