// Operations and controllers together, over fakes of the host and the neighbours.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/ecs/explain.h"
#include "services/ecs/testing.h"
#include "wire/ecs/operations.h"

namespace landfall::ecs {
namespace {

using std::chrono::seconds;
using testing::Contains;
using testing::HasSubstr;

#define CO_ASSERT(condition)             \
  if (!(condition)) {                    \
    ADD_FAILURE() << "not: " #condition; \
    co_return;                           \
  }

RegisterTaskDefinitionRequest definition() {
  RegisterTaskDefinitionRequest in;
  in.family = "app";
  in.network_mode = "awsvpc";
  in.requires_compatibilities = {"FARGATE"};
  in.cpu = "256";
  in.memory = "512";
  in.execution_role_arn = "arn:aws:iam::123456789012:role/exec";
  ContainerDefinition c;
  c.name = "app";
  c.image = "123456789012.dkr.ecr.us-west-1.landfall.test:4566/app:latest";
  c.environment = {{"DATABASE_URL", "postgresql://x"}};
  PortMapping port;
  port.container_port = 80;
  c.port_mappings = {port};
  c.log_configuration =
      LogConfiguration{"awslogs",
                       std::map<std::string, std::string>{{"awslogs-group", "/ecs/app"},
                                                          {"awslogs-region", "us-west-1"},
                                                          {"awslogs-stream-prefix", "ecs"}},
                       {}};
  in.container_definitions = {c};
  return in;
}

// Alarms whose state lies in the store under CloudWatch's own key, so that it can be watched.
class FakeAlarms final : public cloudwatch::Port {
 public:
  explicit FakeAlarms(store::Store& store) : store_(store) {}
  task<void> go(std::string name, cloudwatch::AlarmState state) {
    states_[name] = state;
    const auto done =
        co_await store_.commit({{},
                                {store::Put{fmt::format("{}123456789012/us-west-1/alarms/{}",
                                                        cloudwatch::kKeyPrefix, name),
                                            std::string(to_text(state))}}});
    EXPECT_TRUE(done);
  }
  std::optional<cloudwatch::AlarmView> alarm(const Scope&, const std::string& name) const override {
    const auto found = states_.find(name);
    if (found == states_.end()) return {};
    return cloudwatch::AlarmView{.name = name, .state = found->second};
  }
  task<Result<void>> put(Scope, std::vector<cloudwatch::Sample>) override {
    co_return fail("unused", "");
  }
  std::vector<cloudwatch::Point> statistics(const Scope&,
                                            const cloudwatch::StatisticQuery&) const override {
    return {};
  }
  std::vector<std::string> alarms_with_action(const Scope&, const std::string&) const override {
    return {};
  }
  task<Result<void>> put_alarm(Scope, cloudwatch::AlarmSettings) override {
    co_return fail("unused", "");
  }
  task<Result<void>> delete_alarms(Scope, std::vector<std::string>) override {
    co_return fail("unused", "");
  }
  void add_action_handler(cloudwatch::ActionHandler) override {}

 private:
  store::Store& store_;
  std::map<std::string, cloudwatch::AlarmState> states_;
};

NetworkConfiguration network() {
  AwsVpcConfiguration vpc;
  vpc.subnets = {"subnet-a", "subnet-b"};
  vpc.security_groups = {"sg-1"};
  return {vpc};
}

class Controllers : public testing::Test {
 protected:
  TestEcs t;

  void run(std::function<task<void>()> body) { t.test.loop.run(whole(std::move(body))); }
  task<void> whole(std::function<task<void>()> body) {
    (void)co_await create_cluster(t.ecs, t.context(), {});
    auto registered = co_await register_task_definition(t.ecs, t.context(), definition());
    EXPECT_TRUE(registered) << (registered ? "" : registered.error().message);
    t.start();
    co_await body();
    co_await t.stop();
  }
  task<std::string> run_one() {
    RunTaskRequest in;
    in.task_definition = "app";
    in.launch_type = "FARGATE";
    in.network_configuration = network();
    auto out = co_await run_task(t.ecs, t.context(), in);
    EXPECT_TRUE(out) << (out ? "" : out.error().message);
    co_await t.settle();
    co_return out ? *out->tasks.front().task_arn : "";
  }
  task<Task> describe(std::string arn) {
    auto out = co_await describe_tasks(t.ecs, t.context(), {.tasks = {arn}});
    EXPECT_TRUE(out && out->tasks.size() == 1);
    co_return out->tasks.front();
  }
  task<void> make_service(int desired) {
    CreateServiceRequest in;
    in.service_name = "web";
    in.task_definition = "app";
    in.desired_count = desired;
    in.launch_type = "FARGATE";
    in.network_configuration = network();
    auto out = co_await create_service(t.ecs, t.context(), in);
    EXPECT_TRUE(out) << (out ? "" : out.error().message);
    co_await t.settle();
  }
  task<Service> web() {
    auto out = co_await describe_services(t.ecs, t.context(), {.services = {"web"}});
    EXPECT_TRUE(out && out->services.size() == 1);
    co_return out->services.front();
  }
  std::string host_id(const Task& task) const { return *task.containers.front().runtime_id; }
};

TEST_F(Controllers, ATaskRunsAndIsStopped) {
  run([this]() -> task<void> {
    const std::string arn = co_await run_one();
    Task task = co_await describe(arn);
    EXPECT_EQ(task.last_status, "RUNNING");
    EXPECT_EQ(task.containers[0].image_digest, "sha256:1111");
    EXPECT_EQ(task.attachments[0].status, "ATTACHED");
    const auto spec = t.containers.spec(host_id(task));
    CO_ASSERT(spec);
    EXPECT_EQ(spec->group_limits.cpu_quota_millicores, 250u);
    EXPECT_EQ(spec->group_limits.memory_bytes, 512u << 20);
    EXPECT_EQ(spec->environment.at("DATABASE_URL"), "postgresql://x");
    EXPECT_EQ(spec->network_namespace, "/run/netns/fake");
    (void)co_await stop_task(t.ecs, t.context(), {.task = arn, .reason = "enough"});
    co_await t.settle();
    task = co_await describe(arn);
    EXPECT_EQ(task.last_status, "STOPPED");
    EXPECT_EQ(task.stop_code, "UserInitiated");
    EXPECT_EQ(task.stopped_reason, "enough");
    EXPECT_TRUE(t.containers.list().empty());
    EXPECT_TRUE(t.ec2.interfaces.empty());
    co_await t.pass(kKeepStopped);
    auto gone = co_await describe_tasks(t.ecs, t.context(), {.tasks = {arn}});
    CO_ASSERT(gone);
    EXPECT_EQ(gone->failures.size(), 1u) << "forgotten after an hour";
  });
}

TEST_F(Controllers, ATaskHasADiskOfTheSizeItAsksFor) {
  run([this]() -> task<void> {
    RegisterTaskDefinitionRequest in = definition();
    in.ephemeral_storage = EphemeralStorage{20};
    auto refused = co_await register_task_definition(t.ecs, t.context(), in);
    CO_ASSERT(!refused);
    EXPECT_EQ(refused.error().message, "Ephemeral storage size must be between 21 and 200 GiB.");
    in.ephemeral_storage = EphemeralStorage{50};
    CO_ASSERT(co_await register_task_definition(t.ecs, t.context(), in));
    const std::string arn = co_await run_one();
    EXPECT_EQ((co_await describe(arn)).ephemeral_storage->size_in_gi_b, 50);
    CO_ASSERT(t.disks.sizes.size() == 1);
    EXPECT_EQ(t.disks.sizes.begin()->second, 50);
    (void)co_await t.disks.make("nobodys", 20);
    co_await t.tasks->collect_orphans();
    EXPECT_FALSE(t.disks.sizes.contains("nobodys"));
    EXPECT_EQ(t.disks.sizes.size(), 1u) << "that of the task stays";
    (void)co_await stop_task(t.ecs, t.context(), {.task = arn});
    co_await t.settle();
    EXPECT_TRUE(t.disks.sizes.empty());
    t.disks.error = Error{"disk-full", "No space left on device", 500};
    EXPECT_THAT(*(co_await describe(co_await run_one())).stopped_reason,
                HasSubstr("ephemeral storage: No space left on device"));
  });
}

TEST_F(Controllers, VolumesAreFoldersOfTheTaskOrOfAFileSystem) {
  run([this]() -> task<void> {
    RegisterTaskDefinitionRequest in = definition();
    Volume own, shared;
    own.name = "scratch";
    shared.name = "shared";
    shared.efs_volume_configuration = EFSVolumeConfiguration{.file_system_id = "fs-1"};
    shared.efs_volume_configuration->authorization_config = EFSAuthorizationConfig{"fsap-1", {}};
    in.volumes = {own, shared};
    in.container_definitions[0].mount_points = {MountPoint{"scratch", "/scratch", {}},
                                                MountPoint{"shared", "/shared", true}};
    auto refused = co_await register_task_definition(t.ecs, t.context(), in);
    CO_ASSERT(!refused);
    EXPECT_THAT(refused.error().message, HasSubstr("Transit encryption must be enabled"));
    in.volumes[1].efs_volume_configuration->transit_encryption = "ENABLED";
    CO_ASSERT(co_await register_task_definition(t.ecs, t.context(), in));
    t.file_systems.folder = t.test.folder.path();
    const Task task = co_await describe(co_await run_one());
    EXPECT_EQ(task.last_status, "RUNNING");
    const auto spec = t.containers.spec(host_id(task));
    CO_ASSERT(spec && spec->mounts.size() == 2);
    EXPECT_THAT(spec->mounts[0].source, testing::EndsWith("/volumes/scratch"));
    EXPECT_THAT(spec->mounts[1].source, testing::StartsWith("/proc/self/fd/"));
    EXPECT_TRUE(spec->mounts[1].read_only);
    t.file_systems.error = Error{"mount-failed", "stderr: nobody is there", 400};
    EXPECT_EQ(*(co_await describe(co_await run_one())).stopped_reason,
              "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS "
              "volumes: stderr: nobody is there");
  });
}

TEST_F(Controllers, EnvironmentFilesGiveWhatTheDefinitionDoesNotSay) {
  run([this]() -> task<void> {
    RegisterTaskDefinitionRequest in = definition();
    in.container_definitions[0].environment_files = {{"arn:aws:s3:::settings/app.txt", "s3"}};
    EXPECT_FALSE(co_await register_task_definition(t.ecs, t.context(), in));
    in.container_definitions[0].environment_files = {{"arn:aws:s3:::settings/a.env", "s3"},
                                                     {"arn:aws:s3:::settings/b.env", "s3"}};
    CO_ASSERT(co_await register_task_definition(t.ecs, t.context(), in));
    t.objects.files = {{"arn:aws:s3:::settings/a.env", "ONE=a\nDATABASE_URL=lost"},
                       {"arn:aws:s3:::settings/b.env", "ONE=b\nTWO=b"}};
    const auto spec = t.containers.spec(host_id(co_await describe(co_await run_one())));
    CO_ASSERT(spec);
    EXPECT_EQ(spec->environment.at("ONE"), "a") << "the first file wins";
    EXPECT_EQ(spec->environment.at("TWO"), "b");
    EXPECT_EQ(spec->environment.at("DATABASE_URL"), "postgresql://x");
    t.objects.files.clear();
    EXPECT_THAT(*(co_await describe(co_await run_one())).stopped_reason,
                HasSubstr("ResourceInitializationError: failed to download env files"));
  });
}

TEST_F(Controllers, AnExitIsSeen) {
  run([this]() -> task<void> {
    const std::string arn = co_await run_one();
    t.containers.exit(host_id(co_await describe(arn)), {.code = 137, .oom_killed = true});
    co_await t.settle();
    const Task task = co_await describe(arn);
    EXPECT_EQ(task.last_status, "STOPPED");
    EXPECT_EQ(task.stopped_reason, "Essential container in task exited");
    EXPECT_EQ(task.containers[0].exit_code, 137);
    EXPECT_EQ(task.containers[0].reason, kOutOfMemory);
  });
}

TEST_F(Controllers, AMissingImageIsToldAsFargateTellsIt) {
  run([this]() -> task<void> {
    t.images.error = Error{"image-not-found", "tag latest not found", 404};
    const Task task = co_await describe(co_await run_one());
    EXPECT_EQ(task.last_status, "STOPPED");
    EXPECT_EQ(task.stop_code, "TaskFailedToStart");
    EXPECT_THAT(*task.stopped_reason,
                HasSubstr("CannotPullContainerError: pull image manifest has been retried"));
    EXPECT_TRUE(t.ec2.interfaces.empty());
  });
}

TEST_F(Controllers, ARegistryThatIsAwayIsToldAndGivenUp) {
  run([this]() -> task<void> {
    t.images.error = Error{"registry-unreachable", "dial tcp: no such host", 503};
    const std::string arn = co_await run_one();
    EXPECT_EQ((co_await describe(arn)).last_status, "PENDING");
    const auto waiting = co_await explain(t.fargate, t.context().scope, arn);
    CO_ASSERT(waiting && waiting->findings.size() == 1);
    EXPECT_EQ(waiting->findings[0].reason, "RegistryUnreachable");
    EXPECT_THAT(waiting->findings[0].message, HasSubstr("dial tcp: no such host"));
    for (int i = 0; i < 60 && (co_await describe(arn)).last_status == "PENDING"; ++i)
      co_await t.pass(seconds(1));
    const Task task = co_await describe(arn);
    EXPECT_EQ(task.last_status, "STOPPED");
    EXPECT_THAT(*task.stopped_reason,
                HasSubstr("CannotPullContainerError: pull image manifest has been retried 7 time"));
  });
}

TEST_F(Controllers, ARegistryThatComesBackIsNoLongerComplainedOf) {
  run([this]() -> task<void> {
    t.images.error = Error{"registry-unreachable", "dial tcp: no such host", 503};
    const std::string arn = co_await run_one();
    t.images.error.reset();
    co_await t.pass(seconds(10));
    EXPECT_EQ((co_await describe(arn)).last_status, "RUNNING");
    const auto running = co_await explain(t.fargate, t.context().scope, arn);
    CO_ASSERT(running);
    EXPECT_TRUE(running->findings.empty()) << running->findings[0].message;
  });
}

TEST_F(Controllers, AMissingLogGroupStopsTheTask) {
  run([this]() -> task<void> {
    t.logs.groups.clear();
    const Task task = co_await describe(co_await run_one());
    EXPECT_THAT(*task.stopped_reason,
                HasSubstr("ResourceInitializationError: failed to validate logger args"));
  });
}

TEST_F(Controllers, RunningTasksAreAdoptedAfterARestart) {
  run([this]() -> task<void> {
    const std::string arn = co_await run_one();
    const auto calls = t.containers.calls();
    co_await t.stop();
    t.start();
    co_await t.settle();
    EXPECT_EQ(t.containers.calls(), calls) << "nothing is done to what runs";
    EXPECT_EQ((co_await describe(arn)).last_status, "RUNNING");
    t.containers.exit(host_id(co_await describe(arn)), {.code = 1});
    co_await t.settle();
    EXPECT_EQ((co_await describe(arn)).last_status, "STOPPED") << "its end is seen";
  });
}

TEST_F(Controllers, WhatNobodyWantsIsCollected) {
  run([this]() -> task<void> {
    const std::string arn = co_await run_one();
    (void)co_await t.containers.create(
        {.id = "stray",
         .group = "g",
         .labels = {{"landfall.owner", "ecs"},
                    {"landfall.task", "arn:aws:ecs:us-west-1:123456789012:task/default/ffff"}}});
    (void)co_await t.containers.create(
        {.id = "rds-1", .group = "g", .labels = {{"landfall.owner", "rds"}}});
    (void)co_await t.ec2.allocate_interface(
        {.scope = t.context().scope, .owner = "ecs:task/default/ffff"});
    co_await t.tasks->collect_orphans();
    EXPECT_FALSE(t.containers.find("stray"));
    EXPECT_TRUE(t.containers.find("rds-1"));
    EXPECT_TRUE(t.containers.find(host_id(co_await describe(arn))));
    EXPECT_EQ(t.ec2.interfaces.size(), 1u);
  });
}

TEST_F(Controllers, AServiceRunsReplacesAndSaysSo) {
  run([this]() -> task<void> {
    co_await make_service(1);
    co_await t.pass(kSettle);
    Service service = co_await web();
    EXPECT_EQ(service.running_count, 1);
    EXPECT_EQ(service.deployments[0].rollout_state, "COMPLETED");
    EXPECT_EQ(service.events.front().message, "(service web) has reached a steady state.");
    t.test.clock.advance(std::chrono::minutes(5));
    t.containers.exit(t.containers.list().front().id, {.code = 1});
    co_await t.settle();
    service = co_await web();
    EXPECT_EQ(service.running_count, 1) << "replaced";
    std::vector<std::string> messages;
    for (const ServiceEvent& event : service.events) messages.push_back(*event.message);
    EXPECT_THAT(
        messages,
        Contains(HasSubstr("stopped: Essential container in task exited (app: exit code 1)")));
    EXPECT_THAT(messages, Contains(HasSubstr("(service web) has started 1 tasks: (task ")));
  });
}

TEST_F(Controllers, ForceNewDeploymentTakesTheNewImageAndNeverStopsServing) {
  run([this]() -> task<void> {
    co_await make_service(1);
    co_await t.pass(kSettle);
    t.images.digest = "sha256:2222";
    auto updated = co_await update_service(t.ecs, t.context(),
                                           {.service = "web", .force_new_deployment = true});
    CO_ASSERT(updated);
    EXPECT_EQ(updated->service->deployments.size(), 2u);
    co_await t.settle();
    EXPECT_EQ((co_await web()).running_count, 2) << "the old task serves while the new one settles";
    co_await t.pass(kSettle);
    const Service service = co_await web();
    EXPECT_EQ(service.running_count, 1);
    EXPECT_EQ(service.deployments.size(), 1u);
    CO_ASSERT(t.containers.list().size() == 1);
    EXPECT_EQ(t.containers.list().front().image_digest, "sha256:2222");
    // The deployment keeps its image although the tag moves on.
    t.images.digest = "sha256:3333";
    t.test.clock.advance(std::chrono::minutes(5));
    t.containers.exit(t.containers.list().front().id, {.code = 1});
    co_await t.settle();
    CO_ASSERT(t.containers.list().size() == 1);
    EXPECT_EQ(t.containers.list().front().image_digest, "sha256:2222");
  });
}

TEST_F(Controllers, AnAlarmInADeploymentBringsTheOldRevisionBackAtOnce) {
  run([this]() -> task<void> {
    FakeAlarms alarms(*t.test.store);
    t.ecs.alarms = &alarms;
    co_await make_service(1);
    co_await t.pass(kSettle);
    DeploymentConfiguration watched;
    watched.alarms = DeploymentAlarms{{"errors"}, true, true};
    UpdateServiceRequest update{.service = "web", .force_new_deployment = true};
    update.deployment_configuration = watched;
    auto refused = co_await update_service(t.ecs, t.context(), update);
    CO_ASSERT(!refused);
    EXPECT_EQ(refused.error().message, "The alarm errors does not exist.");
    co_await alarms.go("errors", cloudwatch::AlarmState::ok);
    const std::string before = *(co_await web()).deployments[0].id;
    CO_ASSERT(co_await update_service(t.ecs, t.context(), update));
    co_await t.settle();
    co_await t.pass(kSettle);
    Service service = co_await web();
    const std::string bad = *service.deployments[0].id;
    EXPECT_NE(bad, before);
    EXPECT_EQ(service.deployments[0].rollout_state, "IN_PROGRESS") << "every task serves; it bakes";
    // The clock stands still: what happens now is caused by the alarm alone.
    co_await alarms.go("errors", cloudwatch::AlarmState::alarm);
    co_await t.settle();
    service = co_await web();
    EXPECT_EQ(*service.deployments[0].id, before);
    EXPECT_EQ(*service.deployments[0].rollout_state_reason,
              fmt::format("ECS deployment alarms: rolling back to deploymentId {}.", before));
    co_await t.pass(kSettle);
    service = co_await web();
    CO_ASSERT(service.deployments.size() == 1);
    EXPECT_EQ(service.deployments[0].rollout_state, "COMPLETED");
    EXPECT_EQ(service.running_count, 1);
    std::vector<std::string> messages;
    for (const ServiceEvent& event : service.events) messages.push_back(*event.message);
    EXPECT_THAT(messages, Contains(fmt::format("(service web) (deployment {}) deployment failed: "
                                               "alarm detected.",
                                               bad)));
    EXPECT_THAT(messages,
                Contains(fmt::format("(service web) rolling back to deployment {}.", before)));
    // Already in ALARM when it begins: not watched, for it may be what repairs it.
    CO_ASSERT(co_await update_service(t.ecs, t.context(),
                                      {.service = "web", .force_new_deployment = true}));
    co_await t.pass(kSettle);
    co_await t.pass(kSettle);
    service = co_await web();
    CO_ASSERT(service.deployments.size() == 1);
    EXPECT_NE(*service.deployments[0].id, before);
    EXPECT_EQ(service.deployments[0].rollout_state, "COMPLETED");
  });
}

TEST_F(Controllers, ADeletedServiceDrainsAndLeavesNothing) {
  run([this]() -> task<void> {
    co_await make_service(2);
    auto refused = co_await delete_service(t.ecs, t.context(), {.service = "web"});
    CO_ASSERT(!refused);
    EXPECT_EQ(refused.error().message, "The service cannot be stopped while it is scaled above 0.");
    (void)co_await delete_service(t.ecs, t.context(), {.service = "web", .force = true});
    co_await t.settle();
    EXPECT_EQ((co_await web()).status, "INACTIVE");
    EXPECT_TRUE(t.containers.list().empty());
    EXPECT_TRUE(t.ec2.interfaces.empty());
  });
}

constexpr const char* kGroup =
    "arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/web/1";

TEST_F(Controllers, ABalancedServiceServesBeforeTheOldOneDrains) {
  run([this]() -> task<void> {
    t.balancers.groups[kGroup] = {
        .arn = kGroup, .target_type = "ip", .vpc_id = "vpc-1", .load_balancer_arn = "lb"};
    CreateServiceRequest in;
    in.service_name = "web";
    in.task_definition = "app";
    in.desired_count = 1;
    in.launch_type = "FARGATE";
    in.network_configuration = network();
    in.load_balancers = {LoadBalancer{kGroup, {}, "app", 81, {}}};
    auto out = co_await create_service(t.ecs, t.context(), in);
    CO_ASSERT(!out);
    EXPECT_EQ(out.error().message, "The container app did not have a container port 81 defined.");
    in.load_balancers = {LoadBalancer{kGroup, {}, "app", 80, {}}};
    out = co_await create_service(t.ecs, t.context(), in);
    EXPECT_TRUE(out) << (out ? "" : out.error().message);
    co_await t.settle();
    CO_ASSERT(t.balancers.health.size() == 1);
    EXPECT_EQ((co_await web()).deployments[0].rollout_state, "IN_PROGRESS");
    const std::string key = t.balancers.health.begin()->first;
    EXPECT_EQ(key, std::string(kGroup) + " 10.0.0.10:80");
    t.balancers.health[key].state = "healthy";
    t.balancers.tell();
    co_await t.settle();
    EXPECT_EQ((co_await web()).deployments[0].rollout_state, "COMPLETED");

    // A load balancer that fails it: replaced, and drained before it is stopped.
    t.test.clock.advance(std::chrono::minutes(5));
    const std::string first = t.containers.list().front().id;
    t.balancers.health[key] = {"unhealthy", "Target.ResponseCodeMismatch",
                               "Health checks failed with these codes: [503]"};
    t.balancers.tell();
    co_await t.settle();
    EXPECT_EQ(t.containers.list().size(), 2u) << "the new one runs beside it";
    const std::string second = std::string(kGroup) + " 10.0.0.11:80";
    CO_ASSERT(t.balancers.health.contains(second));
    EXPECT_EQ(t.balancers.health[key].state, "unhealthy") << "it goes when the new one serves";
    t.balancers.health[second] = {"healthy", "", ""};
    t.balancers.tell();
    co_await t.settle();
    std::vector<std::string> messages;
    for (const ServiceEvent& event : (co_await web()).events) messages.push_back(*event.message);
    EXPECT_THAT(
        messages,
        Contains(HasSubstr("due to (reason Health checks failed with these codes: [503])")));
    EXPECT_EQ(t.balancers.health[key].state, "draining");
    EXPECT_TRUE(t.containers.find(first)) << "requests under way end first";
    t.balancers.health.erase(key);
    t.balancers.tell();
    co_await t.settle();
    EXPECT_FALSE(t.containers.find(first));
    EXPECT_EQ((co_await web()).running_count, 1);
  });
}

TEST_F(Controllers, AMissingRoleFailsTheTaskNotTheServer) {
  run([this]() -> task<void> {
    co_await make_service(0);
    t.iam.missing_roles.insert("arn:aws:iam::123456789012:role/exec");
    (void)co_await update_service(t.ecs, t.context(), {.service = "web", .desired_count = 1});
    co_await t.settle();
    const Service service = co_await web();
    EXPECT_EQ(service.running_count, 0);
    std::vector<std::string> messages;
    for (const ServiceEvent& event : service.events) messages.push_back(*event.message);
    EXPECT_THAT(messages, Contains(HasSubstr("ECS was unable to assume the role")));
  });
}

}  // namespace
}  // namespace landfall::ecs
