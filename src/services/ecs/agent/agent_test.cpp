#include "services/ecs/agent/agent.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/ecs/testing.h"
#include "wire/ecs/operations.h"

namespace landfall::ecs {
namespace {

using testing::HasSubstr;

constexpr const char* kRole = "arn:aws:iam::123456789012:role/app";

class AgentTest : public testing::Test {
 protected:
  void put(std::string id, std::string vpc, std::string address) {
    TaskRecord task;
    task.id = std::move(id);
    task.cluster = "default";
    task.task_definition = "arn:aws:ecs:us-west-1:123456789012:task-definition/app:3";
    task.family = "app";
    task.cpu = "256";
    task.memory = "512";
    task.task_role = kRole;
    task.credentials_id = "credentials-" + task.id;
    task.status = TaskStatus::running;
    task.attachment =
        TaskInterface{.vpc_id = std::move(vpc), .private_address = std::move(address)};
    task.containers = {
        {.name = "web", .id = "c1", .host_id = task.id + "-0", .image = "app:latest"}};
    const Tables tables = t.ecs.tables(t.context().scope);
    t.test.loop.run(write({{}, {tables.tasks.put("default/" + task.id, task)}}));
  }
  task<void> write(store::Transaction transaction) {
    EXPECT_TRUE(co_await t.test.store->commit(std::move(transaction)));
  }
  task<void> ask(std::string vpc, std::string address, std::string path, http::Response& out) {
    out = co_await agent.answer(std::move(vpc), std::move(address), std::move(path));
  }
  http::Response get(std::string vpc, std::string address, std::string path) {
    http::Response out;
    t.test.loop.run(ask(std::move(vpc), std::move(address), std::move(path), out));
    return out;
  }

  TestEcs t;
  Agent agent{t.fargate};
};

TEST_F(AgentTest, ATaskGetsItsOwnCredentialsOnly) {
  put("one", "vpc-1", "10.0.0.5");
  put("two", "vpc-2", "10.0.0.5");
  const auto own = get("vpc-1", "10.0.0.5", "/v2/credentials/credentials-one");
  EXPECT_EQ(own.status, 200);
  const json::object said = json::parse(own.body).get_object();
  EXPECT_EQ(said.at("RoleArn"), kRole);
  EXPECT_EQ(said.at("Token"), "one");
  EXPECT_EQ(get("vpc-2", "10.0.0.5", "/v2/credentials/credentials-two").status, 200);
  // Another's path, from the right address in the wrong network, from nowhere, and none at all.
  EXPECT_THAT(get("vpc-2", "10.0.0.5", "/v2/credentials/credentials-one").body,
              HasSubstr("InvalidIdInRequest"));
  EXPECT_EQ(get("vpc-3", "10.0.0.5", "/v2/credentials/credentials-one").status, 404);
  EXPECT_EQ(get("vpc-1", "10.0.0.6", "/v2/credentials/credentials-one").status, 404);
  EXPECT_THAT(get("vpc-1", "10.0.0.5", "/v2/credentials").body, HasSubstr("NoIdInRequest"));
}

TEST_F(AgentTest, AMissingRoleIsSaidAndRemembered) {
  put("one", "vpc-1", "10.0.0.5");
  EXPECT_EQ(get("vpc-1", "10.0.0.5", "/v2/credentials/credentials-one").status, 200);
  t.iam.missing_roles.insert(kRole);
  const auto refused = get("vpc-1", "10.0.0.5", "/v2/credentials/credentials-one");
  EXPECT_EQ(refused.status, 500);
  EXPECT_THAT(refused.body, HasSubstr("no such role"));
  const auto events = t.events.list("arn:aws:ecs:us-west-1:123456789012:task/default/one");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].reason, "TaskRoleUnavailable");
  EXPECT_EQ(events[0].cause, kRole);
}

TEST_F(AgentTest, AnAddressUsedAgainBelongsToTheNewTask) {
  put("one", "vpc-1", "10.0.0.5");
  EXPECT_EQ(get("vpc-1", "10.0.0.5", "/v4/one-0").status, 200);
  put("one", "vpc-1", "10.0.0.7");
  put("two", "vpc-1", "10.0.0.5");
  EXPECT_EQ(get("vpc-1", "10.0.0.5", "/v4/one-0").status, 404);
  EXPECT_EQ(get("vpc-1", "10.0.0.5", "/v4/two-0").status, 200);
  EXPECT_EQ(get("vpc-1", "10.0.0.7", "/v4/one-0").status, 200);
}

TEST_F(AgentTest, MetadataOfTaskAndContainer) {
  put("one", "vpc-1", "10.0.0.5");
  const auto container = json::parse(get("vpc-1", "10.0.0.5", "/v4/one-0").body).get_object();
  EXPECT_EQ(container.at("Name"), "web");
  EXPECT_EQ(container.at("Labels").at("com.amazonaws.ecs.task-definition-version"), "3");
  EXPECT_EQ(container.at("Networks").at(0).at("IPv4Addresses").at(0), "10.0.0.5");
  const auto task = json::parse(get("vpc-1", "10.0.0.5", "/v4/one-0/task").body).get_object();
  EXPECT_EQ(task.at("TaskARN"), "arn:aws:ecs:us-west-1:123456789012:task/default/one");
  EXPECT_EQ(task.at("KnownStatus"), "RUNNING");
  EXPECT_EQ(task.at("Limits").at("CPU"), 0.25);
  EXPECT_EQ(task.at("Containers").as_array().size(), 1u);
  EXPECT_EQ(get("vpc-1", "10.0.0.5", "/v4/one-0/nothing").status, 404);
  EXPECT_EQ(get("vpc-1", "10.0.0.5", "/").status, 404);
}

}  // namespace
}  // namespace landfall::ecs
