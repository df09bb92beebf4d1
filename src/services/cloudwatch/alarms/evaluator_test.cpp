#include "services/cloudwatch/alarms/evaluator.h"

#include <gtest/gtest.h>

#include "services/cloudwatch/alarms/configure.h"
#include "services/cloudwatch/alarms/transition.h"
#include "store/testing.h"

namespace landfall::cloudwatch {
namespace {

const Scope kScope{"111122223333", "us-west-1"};
const std::string kAction = "arn:aws:test:us-west-1:111122223333:thing";

struct Called {
  std::string alarm;
  AlarmState state;
  int repetition;
  std::vector<Point> recent;
  std::string message;
};

struct World {
  World() {
    // A minute begins.
    test.clock.set(from_unix_ms(1'800'000'000'000));
    auto opened = MetricStore::open(test.loop, test.clock, test.folder.path() / "metrics");
    CHECK(opened.has_value());
    metrics = std::move(*opened);
    restart();
  }
  // As the server does: everything that is not in the stores is gone.
  void restart() {
    evaluator.reset();
    service = std::make_unique<Cloudwatch>(test.loop, *test.store, test.clock, random, *metrics);
    service->add_action_handler({.prefix = "arn:aws:test:",
                                 .repeats = repeats,
                                 .invoke = [this](std::string, AlarmTransition transition) {
                                   return called(std::move(transition));
                                 }});
    evaluator = std::make_unique<Evaluator>(test.loop, *service);
  }
  task<Result<void>> called(AlarmTransition transition) {
    if (failing) co_return fail(failing, "no");
    calls.push_back({transition.alarm.name, transition.alarm.state, transition.repetition,
                     transition.recent, transition.message});
    co_return Result<void>();
  }
  task<void> put(double value, std::int64_t seconds_ago = 30, bool high_resolution = false) {
    Sample sample{.metric = kMetric,
                  .time = test.clock.now() - std::chrono::seconds(seconds_ago),
                  .high_resolution = high_resolution};
    sample.values.emplace_back(value, 1);
    CHECK((co_await service->put(kScope, {sample})).has_value());
  }
  task<void> alarm(std::function<void(AlarmSettings&)> change = {}) {
    AlarmSettings settings{.name = "cpu",
                           .description = {},
                           .metric = kMetric,
                           .threshold = 10,
                           .alarm_actions = {kAction},
                           .ok_actions = {kAction}};
    if (change) change(settings);
    const auto made = co_await service->put_alarm(kScope, settings);
    CHECK(made.has_value());
  }
  task<std::string> state(std::string name = "cpu") {
    co_await evaluator->tick();
    co_await evaluator->run_actions();
    const auto view = service->alarm(kScope, name);
    co_return view ? std::string(to_text(view->state)) : "none";
  }
  void pass(std::int64_t seconds) { test.clock.advance(std::chrono::seconds(seconds)); }

  const MetricKey kMetric{"App", "Load", {{"Service", "web"}}};
  store::TestStore test;
  SeededRandom random{1};
  std::unique_ptr<MetricStore> metrics;
  std::unique_ptr<Cloudwatch> service;
  std::unique_ptr<Evaluator> evaluator;
  bool repeats = false;
  const char* failing = nullptr;
  std::vector<Called> calls;
};

void run(task<void> (*body)(World&)) {
  World world;
  world.test.loop.run(body(world));
}

TEST(Evaluator, ActsOnTransitionsOnly) {
  run([](World& w) -> task<void> {
    co_await w.alarm();
    EXPECT_EQ(co_await w.state(), "INSUFFICIENT_DATA");
    w.pass(60);
    co_await w.put(20);
    EXPECT_EQ(co_await w.state(), "ALARM");
    EXPECT_EQ(w.calls.size(), 1u);
    if (w.calls.size() != 1) co_return;
    EXPECT_EQ(w.calls[0].recent.size(), 1u);
    EXPECT_NE(w.calls[0].message.find("\"NewStateValue\":\"ALARM\""), std::string::npos);
    EXPECT_NE(w.calls[0].message.find("\"Threshold\":10.0"), std::string::npos);
    for (int minute = 0; minute < 3; ++minute) {
      w.pass(60);
      co_await w.put(30);
      EXPECT_EQ(co_await w.state(), "ALARM");
    }
    EXPECT_EQ(w.calls.size(), 1u);
    w.pass(60);
    co_await w.put(1);
    EXPECT_EQ(co_await w.state(), "OK");
    EXPECT_EQ(w.calls.size(), 2u);
    // Nothing more comes: after the extra periods it is unknown, and nobody asked to be told.
    w.pass(300);
    EXPECT_EQ(co_await w.state(), "INSUFFICIENT_DATA");
    EXPECT_EQ(w.calls.size(), 2u);
  });
}

TEST(Evaluator, SurvivesARestartWithoutActingTwice) {
  run([](World& w) -> task<void> {
    co_await w.alarm();
    w.pass(60);
    co_await w.put(20);
    w.failing = "retry";
    EXPECT_EQ(co_await w.state(), "ALARM");
    EXPECT_TRUE(w.calls.empty());
    // The action of the transition waits in the store.
    w.failing = nullptr;
    w.restart();
    EXPECT_EQ(co_await w.state(), "ALARM");
    EXPECT_EQ(w.calls.size(), 1u);
    w.restart();
    EXPECT_EQ(co_await w.state(), "ALARM");
    EXPECT_EQ(w.calls.size(), 1u);
  });
}

TEST(Evaluator, LooksAgainWhenTheClockIsSetBack) {
  run([](World& w) -> task<void> {
    co_await w.alarm();
    w.pass(3600);
    co_await w.put(20);
    EXPECT_EQ(co_await w.state(), "ALARM");
    w.pass(-3600);
    EXPECT_EQ(co_await w.state(), "INSUFFICIENT_DATA");
    co_await w.put(1);
    EXPECT_EQ(co_await w.state(), "OK");
    w.pass(7200);
    EXPECT_EQ(co_await w.state(), "INSUFFICIENT_DATA");
  });
}

TEST(Evaluator, HighResolutionAlarmsMoveEveryTenSeconds) {
  run([](World& w) -> task<void> {
    co_await w.alarm([](AlarmSettings& settings) { settings.period_s = 10; });
    EXPECT_EQ(co_await w.state(), "INSUFFICIENT_DATA");
    w.pass(10);
    co_await w.put(20, 5, true);
    EXPECT_EQ(co_await w.state(), "ALARM");
    w.pass(10);
    co_await w.put(1, 5, true);
    EXPECT_EQ(co_await w.state(), "OK");
  });
}

TEST(Evaluator, RepeatsTheActionsThatWantIt) {
  run([](World& w) -> task<void> {
    w.repeats = true;
    w.restart();
    co_await w.alarm();
    w.pass(60);
    co_await w.put(20);
    EXPECT_EQ(co_await w.state(), "ALARM");
    w.pass(60);
    co_await w.put(25);
    EXPECT_EQ(co_await w.state(), "ALARM");
    co_await w.test.loop.yield();
    EXPECT_EQ(w.calls.size(), 2u);
    if (w.calls.size() != 2) co_return;
    EXPECT_EQ(w.calls[1].repetition, 1);
    EXPECT_EQ(w.calls[1].recent.back().value, 25);
    co_await w.evaluator->stop();
  });
}

TEST(Evaluator, ExpressionsAndUnitsCount) {
  run([](World& w) -> task<void> {
    co_await w.alarm([&](AlarmSettings& settings) {
      settings.metric = {};
      settings.queries = {{.id = "m1", .expression = {}, .metric = w.kMetric, .statistic = "Sum"},
                          {.id = "e1", .expression = "m1 * 2", .return_data = true}};
    });
    w.pass(60);
    co_await w.put(6);
    EXPECT_EQ(co_await w.state(), "ALARM");
  });
}

TEST(Evaluator, CompositeAlarmsFollow) {
  run([](World& w) -> task<void> {
    co_await w.alarm();
    AlarmRecord both;
    both.name = "both";
    both.composite = true;
    both.rule = "ALARM(cpu) AND NOT OK(cpu)";
    both.alarm_actions = {kAction};
    EXPECT_TRUE(check_alarm(*w.service, kScope, both));
    EXPECT_TRUE(co_await write_alarm(*w.service, kScope, both, w.test.clock.now()));
    EXPECT_EQ(co_await w.state("both"), "OK");
    w.pass(60);
    co_await w.put(20);
    EXPECT_EQ(co_await w.state("both"), "ALARM");
    EXPECT_TRUE(
        w.service->alarm(kScope, "both")
            ->reason.starts_with(
                "arn:aws:cloudwatch:us-west-1:111122223333:alarm:cpu transitioned to ALARM at "))
        << w.service->alarm(kScope, "both")->reason;
    EXPECT_EQ(w.calls.size(), 2u);
    // A child that is deleted is in no state.
    EXPECT_TRUE(co_await w.service->delete_alarms(kScope, {"cpu", "never"}));
    EXPECT_EQ(co_await w.state("both"), "OK");
  });
}

TEST(Evaluator, StatesSetByHandLastUntilTheNextLook) {
  run([](World& w) -> task<void> {
    co_await w.alarm();
    EXPECT_EQ(co_await w.state(), "INSUFFICIENT_DATA");
    auto row = w.service->find_alarm(kScope, "cpu");
    EXPECT_TRUE(co_await transition(*w.service, kScope, *row,
                                    {.state = AlarmState::alarm, .reason = "by hand"},
                                    w.test.clock.now()));
    EXPECT_EQ(co_await w.state(), "ALARM");
    EXPECT_EQ(w.calls.size(), 1u);
    w.pass(60);
    EXPECT_EQ(co_await w.state(), "INSUFFICIENT_DATA");
  });
}

TEST(Evaluator, RefusesAlarmsThatCannotWork) {
  run([](World& w) -> task<void> {
    const auto error = [&](std::function<void(AlarmSettings&)> change) {
      AlarmSettings settings{.name = "x", .description = {}, .metric = w.kMetric, .threshold = 1};
      change(settings);
      const auto checked = check_alarm(*w.service, kScope, record_of(settings));
      return checked ? std::string("none") : checked.error().message;
    };
    EXPECT_EQ(error([](AlarmSettings&) {}), "none");
    EXPECT_EQ(error([](AlarmSettings& s) { s.period_s = 15; }),
              "Period must be 10, 20, 30 or a multiple of 60");
    EXPECT_EQ(
        error([](AlarmSettings& s) { s.evaluation_periods = 2000; }),
        "Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be "
        "<= 86400).");
    EXPECT_EQ(error([](AlarmSettings& s) { s.datapoints_to_alarm = 2; }),
              "DatapointsToAlarm cannot be greater than EvaluationPeriods.");
    EXPECT_EQ(error([](AlarmSettings& s) { s.alarm_actions = {"arn:aws:lambda:us-west-1:1:f"}; }),
              "Unsupported action: arn:aws:lambda:us-west-1:1:f. Landfall does not serve it.");
    EXPECT_EQ(error([](AlarmSettings& s) { s.statistic = "p200"; }),
              "The value p200 for parameter ExtendedStatistic is not supported.");
    co_return;
  });
}

TEST(Metrics, ComeBackFromDisk) {
  store::TemporaryFolder folder;
  FakeClock clock(from_unix_ms(1'800'000'000'000));
  const MetricKey metric{"App", "Load", {}};
  const auto read = [&](MetricStore& metrics, std::int64_t period_s) {
    const auto buckets = metrics.read(kScope, metric, "", {1'800'000'000 - period_s, period_s, 2});
    return std::pair(buckets[0].count, buckets[0].sum);
  };
  {
    io::Loop loop(1);
    auto metrics = MetricStore::open(loop, clock, folder.path());
    ASSERT_TRUE(metrics);
    const auto body = [](MetricStore& metrics, MetricKey metric) -> task<void> {
      for (int i = 0; i < 100; ++i) {
        Sample sample{.metric = metric, .time = from_unix_ms(1'799'999'990'000)};
        sample.values.emplace_back(i, 2);
        EXPECT_TRUE(co_await metrics.put(kScope, {sample}));
      }
    };
    loop.run(body(**metrics, metric));
    EXPECT_EQ(read(**metrics, 60), std::pair(200.0, 9900.0));
  }
  io::Loop loop(1);
  auto metrics = MetricStore::open(loop, clock, folder.path());
  ASSERT_TRUE(metrics);
  // By the minute, five minutes and the hour alike.
  for (const std::int64_t period_s : {60, 300, 3600})
    EXPECT_EQ(read(**metrics, period_s), std::pair(200.0, 9900.0)) << period_s;
  EXPECT_EQ((*metrics)->metrics(kScope).size(), 1u);
  // Minutes are kept for 15 days, hours for 455.
  clock.advance(std::chrono::hours(16 * 24));
  EXPECT_EQ(read(**metrics, 60).first, 0);
  EXPECT_EQ(read(**metrics, 3600).first, 200);
  clock.advance(std::chrono::hours(456 * 24));
  const auto sweep = [](MetricStore& metrics) -> task<void> {
    EXPECT_TRUE(co_await metrics.sweep());
  };
  loop.run(sweep(**metrics));
  EXPECT_TRUE((*metrics)->metrics(kScope).empty());
}

TEST(AlarmKeys, AreFoundInTheStore) {
  const auto read =
      parse_alarm_key("/cloudwatch/111122223333/us-west-1/alarms/too%20many%2Ferrors");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->name, "too many/errors");
  EXPECT_EQ(read->scope, kScope);
  EXPECT_EQ(alarm_id(read->name), "too%20many%2Ferrors");
  EXPECT_FALSE(parse_alarm_key("/cloudwatch/123456789012/us-west-1/history/errors/1"));
  EXPECT_FALSE(parse_alarm_key("/ecs/123456789012/us-west-1/alarms/errors"));
}

}  // namespace
}  // namespace landfall::cloudwatch
