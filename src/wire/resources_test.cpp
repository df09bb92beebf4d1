#include "wire/resources.h"

#include <gtest/gtest.h>

#include "wire/test_services.h"

namespace landfall::wire::testing {
namespace {

constexpr std::string_view kBase = "arn:aws:x:{@region}:{@account}:";
const Scope kScope{"123456789012", "us-west-1"};

template <class In>
std::string expand(std::string resource, In in) {
  if (resource.starts_with("arn:")) resource = std::string(kBase) + resource.substr(4);
  const Permission permissions[] = {{"x:Do", resource}};
  Operation operation = kEcs[0];
  operation.permissions = permissions;
  return fmt::format(
      "{}", fmt::join(demands(operation, Object::of(std::move(in)), kScope).at(0).resources, " "));
}

TEST(Resources, ComeFromTheInput) {
  EXPECT_EQ(expand("arn:task/{cluster|default}/{tasks[]}",
                   ecs::DescribeTasksRequest{.cluster = {}, .tasks = {"a", "b"}}),
            "arn:aws:x:us-west-1:123456789012:task/default/a "
            "arn:aws:x:us-west-1:123456789012:task/default/b");
  EXPECT_EQ(expand("arn:task/{cluster|default}/{tasks[]}", ecs::DescribeTasksRequest{}), "*");
  EXPECT_EQ(expand("*", ecs::DescribeTasksRequest{}), "*");
}

TEST(Resources, ThatAreArnsAlreadyStayAsTheyAre) {
  const std::string cluster = "arn:aws:ecs:us-west-1:123456789012:cluster/web";
  const std::string task = "arn:aws:ecs:us-west-1:123456789012:task/web/1";
  EXPECT_EQ(expand("arn:task/{cluster|default}/{tasks[]}",
                   ecs::DescribeTasksRequest{.cluster = cluster, .tasks = {"a", task}}),
            "arn:aws:x:us-west-1:123456789012:task/web/a " + task);
  EXPECT_EQ(expand("arn:log-group:{logGroupName,logGroupIdentifier}:log-stream:{logStreamName}",
                   logs::GetLogEventsRequest{
                       .log_group_name = {},
                       .log_group_identifier = "arn:aws:logs:us-west-1:1:log-group:/a/b",
                       .log_stream_name = "s"}),
            "arn:aws:x:us-west-1:123456789012:log-group:/a/b:log-stream:s");
  EXPECT_EQ(expand("arn:log-group:{logGroupIdentifier}:log-stream:",
                   logs::GetLogEventsRequest{
                       .log_group_name = {},
                       .log_group_identifier = "arn:aws:logs:us-west-1:1:log-group:/a/b:*",
                       .log_stream_name = "s"}),
            "arn:aws:logs:us-west-1:1:log-group:/a/b:log-stream:");
}

TEST(Resources, TakeASuffixOnlyWithoutAColon) {
  EXPECT_EQ(expand("arn:task-definition/{taskDefinition~:*}",
                   ecs::RunTaskRequest{.task_definition = "web"}),
            "arn:aws:x:us-west-1:123456789012:task-definition/web:*");
  EXPECT_EQ(expand("arn:task-definition/{taskDefinition~:*}",
                   ecs::RunTaskRequest{.task_definition = "web:3"}),
            "arn:aws:x:us-west-1:123456789012:task-definition/web:3");
}

TEST(Resources, OfFurtherPermissionsAreDemandedOnlyWhenNamed) {
  const Permission permissions[] = {{"ecs:RunTask", "{group}"},
                                    {"iam:PassRole", "{overrides.taskRoleArn}"}};
  Operation operation = kEcs[2];
  operation.permissions = permissions;
  ecs::RunTaskRequest in;
  auto plain = demands(operation, Object::of(in), kScope);
  ASSERT_EQ(plain.size(), 1u);
  EXPECT_EQ(plain[0].resources, std::vector<std::string>{"*"});
  in.overrides.emplace().task_role_arn = "arn:aws:iam::1:role/r";
  auto passing = demands(operation, Object::of(in), kScope);
  ASSERT_EQ(passing.size(), 2u);
  EXPECT_EQ(passing[1].action, "iam:PassRole");
  EXPECT_EQ(passing[1].resources, std::vector<std::string>{"arn:aws:iam::1:role/r"});
}

std::vector<std::string> keys_of(const Operation& operation, const Object& input) {
  std::vector<std::string> out;
  for (const auto& [key, values] : request_keys(operation, input, kScope)) {
    out.push_back(fmt::format("{}={}", key, fmt::join(values, ",")));
  }
  return out;
}

TEST(RequestKeys, TagsAndTheOperationsOwn) {
  const ContextKey keys[] = {{"x:Cluster", "arn:aws:x:{@region}:{@account}:cluster/{cluster}"}};
  Operation operation = kEcs[0];
  operation.context_keys = keys;
  ecs::RunTaskRequest in{.cluster = "web", .task_definition = "t"};
  in.tags = {{"app", "a"}, {"stage", "b"}};
  EXPECT_EQ(keys_of(operation, Object::of(std::move(in))),
            (std::vector<std::string>{"x:Cluster=arn:aws:x:us-west-1:123456789012:cluster/web",
                                      "aws:RequestTag/app=a", "aws:RequestTag/stage=b",
                                      "aws:TagKeys=app,stage"}));
  EXPECT_TRUE(keys_of(operation, Object::of(ecs::RunTaskRequest{.task_definition = "t"})).empty());
}

}  // namespace
}  // namespace landfall::wire::testing
