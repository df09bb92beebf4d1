#include <gtest/gtest.h>

#include "wire/test_services.h"

namespace landfall::wire::testing {
namespace {

Result<Object> read_ecs(std::string_view operation, std::string_view body) {
  return read(kEcsService, json_request(operation), body);
}

std::string error_of(const Result<Object>& result) {
  return result ? "no error" : fmt::format("{}: {}", result.error().code, result.error().message);
}

TEST(Json, ReadsNestedStructuresListsAndMaps) {
  auto input = read_ecs("RegisterTaskDefinition", R"({
    "family": "web", "cpu": "256", "requiresCompatibilities": ["FARGATE"], "tags": [],
    "containerDefinitions": [{"name": "app", "essential": true, "stopTimeout": 30,
      "portMappings": [{"containerPort": 8000}], "dockerLabels": {"a": "b", "é": ""},
      "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/x"}}, "unheard": {"of": 1}}]})");
  ASSERT_TRUE(input) << error_of(input);
  const auto& in = input->as<ecs::RegisterTaskDefinitionRequest>();
  EXPECT_EQ(in.family, "web");
  EXPECT_TRUE(in.tags.present);
  EXPECT_TRUE(in.tags.empty());
  EXPECT_FALSE(in.volumes.given());
  ASSERT_EQ(in.container_definitions.size(), 1u);
  const auto& container = in.container_definitions[0];
  EXPECT_EQ(container.port_mappings[0].container_port, 8000);
  EXPECT_EQ(container.docker_labels.at("é"), "");
  EXPECT_EQ(container.log_configuration->options.at("awslogs-group"), "/x");
  EXPECT_EQ(container.cpu, std::nullopt);
}

TEST(Json, NamesEveryMissingMember) {
  EXPECT_EQ(error_of(read_ecs("RegisterTaskDefinition", "{}")),
            "InvalidParameterException: 2 validation errors detected: Value null at 'family' "
            "failed to satisfy constraint: "
            "Member must not be null; Value null at 'containerDefinitions' failed to satisfy "
            "constraint: Member must not be "
            "null");
  EXPECT_EQ(error_of(read_ecs("DescribeTasks", R"({"tasks": null})")),
            "InvalidParameterException: 1 validation error detected: Value null at 'tasks' failed "
            "to satisfy constraint: Member "
            "must not be null");
}

TEST(Json, ChecksEnumsLengthsAndRanges) {
  EXPECT_EQ(
      error_of(
          read_ecs(
              "RegisterTaskDefinition",
              R"({"family": "f", "containerDefinitions": [{"logConfiguration": {"logDriver": "pigeon"}}]})"))
          .substr(0, 169),
      "InvalidParameterException: 1 validation error detected: Value 'pigeon' at "
      "'containerDefinitions.1.member.logConfiguration.logDriver' failed to satisfy constraint: "
      "Member");
  const auto logs = [](std::string_view operation, std::string_view body) {
    return error_of(read(kLogsService, json_request(operation), body));
  };
  EXPECT_EQ(logs("CreateLogGroup", R"({"logGroupName": ""})"),
            "InvalidParameterException: 2 validation errors detected: Value '' at 'logGroupName' "
            "failed to satisfy constraint: "
            "Member must have length greater than or equal to 1; Value '' at 'logGroupName' failed "
            "to satisfy constraint: Member "
            "must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+");
  EXPECT_EQ(logs("GetLogEvents", R"({"logStreamName": "s", "limit": 10001})"),
            "InvalidParameterException: 1 validation error detected: Value '10001' at 'limit' "
            "failed to satisfy constraint: "
            "Member must have value less than or equal to 10000");
}

TEST(Json, RefusesWhatIsNotOfItsType) {
  const char* const bodies[] = {
      "{",
      "[]",
      "nonsense",
      R"({"tasks": "one"})",
      R"({"tasks": [1]})",
      R"({"tasks": {"0": "a"}})",
      R"({"tasks": [], "cluster": {}})",
      "{\"tasks\": [\"\xff\"]}",
      R"({"tasks": ["\ud800"]})",
  };
  for (const char* body : bodies) {
    auto result = read_ecs("DescribeTasks", body);
    ASSERT_FALSE(result) << body;
    EXPECT_EQ(result.error().code, "SerializationException") << body;
  }
}

TEST(Json, RefusesNumbersOutOfRange) {
  for (const char* number : {"2147483648", "-2147483649", "1.5", "1e99", "1e999", "\"1\"", "true",
                             "18446744073709551615"}) {
    auto result =
        read_ecs("RunTask", fmt::format(R"({{"taskDefinition": "t", "count": {}}})", number));
    ASSERT_FALSE(result) << number;
    EXPECT_EQ(result.error().code, "SerializationException") << number;
  }
  auto whole = read_ecs("RunTask", R"({"taskDefinition": "t", "count": 2.0})");
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->as<ecs::RunTaskRequest>().count, 2);
}

TEST(Json, BoundsNesting) {
  const std::string deep =
      "{\"tasks\":" + std::string(100000, '[') + std::string(100000, ']') + "}";
  EXPECT_EQ(error_of(read_ecs("DescribeTasks", deep)),
            "SerializationException: the JSON is nested too deeply");
}

TEST(Json, WritesTimesAsSecondsAndEveryListOfTheTopLevel) {
  ecs::DescribeTasksResponse out;
  EXPECT_EQ(write(kEcsService, "DescribeTasks", out), R"({"tasks":[],"failures":[]})");
  ecs::Task& task = out.tasks.emplace_back();
  task.created_at = from_unix_ms(1'795'255'898'103);
  task.started_at = from_unix_ms(1'795'255'898'000);
  task.cpu = "256";
  task.attachments.present = true;
  EXPECT_EQ(
      write(kEcsService, "DescribeTasks", out),
      R"({"tasks":[{"attachments":[],"cpu":"256","createdAt":1795255898.103,"startedAt":1795255898}],"failures":[]})");
}

TEST(Json, WritesTextThatIsNotUtf8AsReplacementCharacters) {
  logs::GetLogEventsResponse out;
  out.events.emplace_back().message = "a\"\\\n\x01\xff\xe2\x82 \xe2\x82\xac";
  EXPECT_EQ(write(kLogsService, "GetLogEvents", out),
            "{\"events\":[{\"message\":\"a\\\"\\\\\\n\\u0001\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd "
            "\xe2\x82\xac\"}]}");
}

TEST(Json, AnswersNothingWhereAwsModelsNoOutput) {
  const auto response = write_output(kLogsService, kLogs[0], Protocol::json_1_1,
                                     Object::of(logs::CreateLogGroupResponse{}), "r");
  EXPECT_EQ(response.body, "");
  EXPECT_EQ(response.headers.get("x-amzn-requestid"), "r");
}

TEST(Json, AnswersInTheVersionOfTheRequest) {
  const auto call = identify(kEcsService, json_request("DescribeTasks", "1.0"), "{}");
  ASSERT_TRUE(call);
  EXPECT_EQ(call->protocol, Protocol::json_1_0);
  const auto response = write_output(kEcsService, kEcs[0], call->protocol,
                                     Object::of(ecs::DescribeTasksResponse{}), "r");
  EXPECT_EQ(response.headers.get("content-type"), "application/x-amz-json-1.0");
}

TEST(Json, TellsTheUnservedFromTheUnknown) {
  const auto unserved = read_ecs("StartThing", "{}");
  EXPECT_EQ(unserved.error().http_status, 501);
  EXPECT_EQ(error_of(unserved),
            "NotImplemented: Landfall does not implement the operation StartThing of ecs.");
  EXPECT_EQ(error_of(read_ecs("Nonsense", "{}")),
            "UnknownOperationException: ecs has no operation Nonsense.");
  EXPECT_EQ(read(kEcsService, form_request(), "{}").error().code, "UnknownOperationException");
}

TEST(Json, WritesErrorsWithTheirFields) {
  Error error{"InvalidLayerPartException",
              "bad \"part\"",
              400,
              {{"registryId", "1"}, {"lastValidByteReceived", "7"}}};
  const auto response = write_error(kEcsService, Protocol::json_1_1, error, "r");
  EXPECT_EQ(
      response.body,
      R"({"__type":"InvalidLayerPartException","message":"bad \"part\"","registryId":"1","lastValidByteReceived":7})");
  EXPECT_EQ(response.headers.get("x-amzn-errortype"), "InvalidLayerPartException");
  const auto ours =
      write_error(kEcsService, Protocol::json_1_1, {"disk-full", "no space", 500}, "r");
  EXPECT_NE(ours.body.find("no space (disk-full)"), ours.body.npos);
  EXPECT_NE(ours.body.find("InternalFailure"), ours.body.npos);
  EXPECT_EQ(ours.status, 500);
}

}  // namespace
}  // namespace landfall::wire::testing
