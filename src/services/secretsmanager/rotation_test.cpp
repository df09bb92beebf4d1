#include "services/secretsmanager/rotation.h"

#include <gtest/gtest.h>

#include "services/ecs/testing.h"
#include "services/kms/service.h"
#include "services/secretsmanager/shapes.h"

namespace landfall::secretsmanager {
namespace {

using namespace std::chrono_literals;
const std::string kTarget = "arn:aws:ecs:us-west-1:123456789012:task-definition/rotate:1";

class FakeTasks final : public TaskRunner {
 public:
  std::vector<std::map<std::string, std::string>> started;
  std::set<std::string> tokens;
  std::optional<Result<void>> outcome;  // of every task; none: it runs
  std::vector<std::string> stopped;

  Result<void> check(const RequestContext&, const std::string&) const override { return {}; }
  task<Result<std::string>> start(Scope, std::string, std::string token,
                                  std::map<std::string, std::string> environment) override {
    if (tokens.insert(token).second) started.push_back(std::move(environment));
    co_return "arn:task/" + token;
  }
  std::optional<Result<void>> ended(const Scope&, const std::string&) const override {
    return outcome;
  }
  task<Result<void>> stop(Scope, std::string arn, std::string) override {
    stopped.push_back(std::move(arn));
    co_return Result<void>();
  }
};

struct World {
  store::TestStore state;
  SystemRandom random;
  std::unique_ptr<store::Sealer> sealer = store::Sealer::from_key(std::string(32, 'k'), random);
  ecs::FakeIam iam;
  kms::Kms kms{*state.store, state.clock, random, *sealer, iam};
  Secretsmanager secrets{*state.store, state.clock, random, kms, iam};
  FakeTasks tasks;
  Rotations rotations{state.loop, secrets, tasks};
  RequestContext ctx{.scope = {"123456789012", "us-west-1"}, .now = state.clock.now()};

  World() { secrets.runner = &tasks; }

  void pass(Millis time) {
    state.clock.advance(time);
    ctx.now = state.clock.now();
  }
  SecretRecord secret() { return secrets.find(ctx.scope, "app")->value; }
  RotationRecord rotation() { return secrets.rotation_of(ctx.scope, secret())->value; }
  std::string version(const std::string& stage) {
    return find_version(secret(), "", stage).value_or("none");
  }
  task<void> create() {
    EXPECT_TRUE(co_await create_secret(
        secrets, ctx, {.name = "app", .client_request_token = "v1", .secret_string = "old"}));
  }
  task<Result<RotateSecretResponse>> rotate(std::string token, RotationRulesType rules = {}) {
    RotateSecretRequest in{.secret_id = "app", .client_request_token = token};
    in.rotation_lambda_arn = kTarget;
    in.rotation_rules = rules;
    return rotate_secret(secrets, ctx, std::move(in));
  }
  // What the task does.
  task<void> put_pending(std::string token) {
    PutSecretValueRequest in{.secret_id = "app", .client_request_token = token};
    in.secret_string = "new";
    in.version_stages.push_back(kPending);
    EXPECT_TRUE(co_await put_secret_value(secrets, ctx, std::move(in)));
  }
};

template <class Body>
void run(World& world, Body body) {
  world.state.loop.run(body(world));
}

task<void> succeeds(World& world) {
  co_await world.create();
  EXPECT_TRUE(co_await world.rotate("v2", {.automatically_after_days = 10}));
  EXPECT_TRUE(co_await world.rotations.sweep());
  EXPECT_EQ(world.tasks.started.size(), 1u);
  EXPECT_EQ(world.tasks.started[0].at("CLIENT_REQUEST_TOKEN"), "v2");
  EXPECT_EQ(world.tasks.started[0].at("SECRET_ARN"), arn_of(world.ctx.scope, world.secret()));
  co_await world.put_pending("v2");
  EXPECT_TRUE(co_await world.rotations.sweep());
  EXPECT_EQ(world.version(kCurrent), "v1") << "while the task runs";
  world.tasks.outcome = Result<void>();
  EXPECT_FALSE(co_await world.rotations.sweep());
  EXPECT_EQ(world.version(kCurrent), "v2");
  EXPECT_EQ(world.version(kPrevious), "v1");
  EXPECT_EQ(world.version(kPending), "none");
  EXPECT_EQ(world.rotation().next, world.ctx.now + 24h * 10);
  EXPECT_EQ(world.rotation().rotated, world.ctx.now);

  // And again when it is time.
  world.pass(24h * 10 - 1s);
  EXPECT_FALSE(co_await world.rotations.sweep());
  world.pass(1s);
  world.tasks.outcome.reset();
  EXPECT_TRUE(co_await world.rotations.sweep());
  EXPECT_EQ(world.tasks.started.size(), 2u);
}
TEST(Rotation, MakesTheNewVersionCurrent) {
  World world;
  run(world, succeeds);
}

task<void> fails(World& world) {
  co_await world.create();
  EXPECT_TRUE(co_await world.rotate("v2"));
  co_await world.rotations.sweep();
  co_await world.put_pending("v2");
  world.tasks.outcome = fail("task-failed", "exit code 1");
  EXPECT_TRUE(co_await world.rotations.sweep());
  EXPECT_EQ(world.version(kCurrent), "v1");
  EXPECT_EQ(world.version(kPending), "v2");
  EXPECT_EQ(world.rotation().failure, "exit code 1");
  const auto another = co_await world.rotate("v3");
  EXPECT_EQ(another.error().code, "InvalidRequestException");
  // Not before a pause, and then with the same version.
  co_await world.rotations.sweep();
  EXPECT_EQ(world.tasks.started.size(), 1u);
  world.pass(1min);
  co_await world.rotations.sweep();
  EXPECT_EQ(world.tasks.started.size(), 2u);
  EXPECT_EQ(world.tasks.started[1].at("CLIENT_REQUEST_TOKEN"), "v2");
  for (int i = 0; i < 10; ++i) {
    co_await world.rotations.sweep();
    world.pass(30min);
  }
  EXPECT_EQ(world.tasks.started.size(), 5u) << "it is given up";
  EXPECT_EQ(world.version(kCurrent), "v1");
  EXPECT_TRUE(co_await world.rotate("v3"));
}
TEST(Rotation, AFailureLeavesTheCurrentVersion) {
  World world;
  run(world, fails);
}

task<void> puts_nothing(World& world) {
  co_await world.create();
  EXPECT_TRUE(co_await world.rotate("v2"));
  world.tasks.outcome = Result<void>();
  co_await world.rotations.sweep();
  co_await world.rotations.sweep();
  EXPECT_EQ(world.version(kCurrent), "v1");
  EXPECT_TRUE(world.rotation().failure.contains("put no version v2"));
}
TEST(Rotation, ATaskThatPutsNothingHasFailed) {
  World world;
  run(world, puts_nothing);
}

task<void> hangs(World& world) {
  co_await world.create();
  EXPECT_TRUE(co_await world.rotate("v2"));
  co_await world.rotations.sweep();
  world.pass(15min);
  co_await world.rotations.sweep();
  EXPECT_EQ(world.tasks.stopped.size(), 1u);
  EXPECT_TRUE(world.rotation().failure.contains("15 minutes"));
}
TEST(Rotation, ATaskThatHangsIsStopped) {
  World world;
  run(world, hangs);
}

task<void> crashes(World& world) {
  co_await world.create();
  EXPECT_TRUE(co_await world.rotate("v2"));
  co_await world.rotations.sweep();
  // The record of the task is lost with the process.
  EXPECT_TRUE(co_await world.secrets.rotations(world.ctx.scope)
                  .update("app", [](RotationRecord& rotation) -> Result<bool> {
                    rotation.task.clear();
                    rotation.attempts = 0;
                    return true;
                  }));
  co_await world.rotations.sweep();
  EXPECT_EQ(world.tasks.started.size(), 1u);
  EXPECT_FALSE(world.rotation().task.empty());
}
TEST(Rotation, ACrashFindsTheSameTaskAgain) {
  World world;
  run(world, crashes);
}

task<void> ends(World& world) {
  co_await world.create();
  EXPECT_TRUE(co_await world.rotate("v2", {.automatically_after_days = 1}));
  co_await world.rotations.sweep();
  EXPECT_TRUE(co_await cancel_rotate_secret(world.secrets, world.ctx, {.secret_id = "app"}));
  EXPECT_EQ(world.tasks.stopped.size(), 1u);
  world.pass(48h);
  EXPECT_FALSE(co_await world.rotations.sweep());
  EXPECT_EQ(world.tasks.started.size(), 1u);
  // A secret of the same name made anew has no rotation.
  DeleteSecretRequest in{.secret_id = "app"};
  in.force_delete_without_recovery = true;
  EXPECT_TRUE(co_await delete_secret(world.secrets, world.ctx, std::move(in)));
  co_await world.create();
  EXPECT_FALSE(world.secrets.rotation_of(world.ctx.scope, world.secret()));
}
TEST(Rotation, IsCancelledAndGoesWithItsSecret) {
  World world;
  run(world, ends);
}

TEST(Rotation, Schedules) {
  const TimePoint from = from_unix_ms(1'800'000'000'000);
  RotationRecord rotation{.schedule = "rate(12 hours)"};
  EXPECT_EQ(next_rotation(rotation, from), from + 12h);
  rotation.schedule = "rate(10 days)";
  EXPECT_EQ(next_rotation(rotation, from), from + 240h);
  rotation.schedule = "cron(0 3 1 * ? *)";
  EXPECT_EQ(next_rotation(rotation, *parse_time("2026-11-21T12:00:00Z")),
            *parse_time("2026-12-01T03:00:00Z"));
  EXPECT_FALSE(next_rotation({}, from));
  for (const char* good : {"rate(4 hours)", "rate(1 day)", "cron(0 8 ? * MON *)"})
    EXPECT_TRUE(check_schedule(good, from)) << good;
  for (const char* bad : {"rate(3 hours)", "rate(0 days)", "rate(10 minutes)", "rate(x days)",
                          "rate(10days)", "10 days", "rate(99999999999999999999 days)", "",
                          "cron(0 */2 * * ? *)", "at(2030-01-01T00:00:00)", "cron(0 0 1 1 ? 2000)"})
    EXPECT_FALSE(check_schedule(bad, from)) << bad;
}

}  // namespace
}  // namespace landfall::secretsmanager
