// Services for tests of this layer: real shapes behind hand-made tables, since the handlers live
// above.
#pragma once

#include "wire/cloudwatch/types.h"
#include "wire/ec2/types.h"
#include "wire/ecs/types.h"
#include "wire/exchange.h"
#include "wire/iam/types.h"
#include "wire/logs/types.h"
#include "wire/rds/types.h"
#include "wire/sts/types.h"

namespace landfall::wire::testing {

template <class In, class Out>
constexpr Operation operation(std::string_view name, bool has_output,
                              std::string_view wrapper = {}) {
  return {.name = name,
          .input = &In::kShape,
          .output = &Out::kShape,
          .has_output = has_output,
          .result_wrapper = wrapper,
          .method = "POST",
          .uri = "/",
          .status = 200,
          .anonymous = false,
          .permissions = {},
          .context_keys = {},
          .invoke = nullptr};
}

inline const Operation kEc2[] = {
    operation<ec2::AuthorizeSecurityGroupIngressRequest,
              ec2::AuthorizeSecurityGroupIngressResponse>("AuthorizeSecurityGroupIngress", true),
    operation<ec2::CreateTagsRequest, ec2::CreateTagsResponse>("CreateTags", false),
    operation<ec2::DescribeVpcsRequest, ec2::DescribeVpcsResponse>("DescribeVpcs", true),
    operation<ec2::ModifyVpcAttributeRequest, ec2::ModifyVpcAttributeResponse>("ModifyVpcAttribute",
                                                                               false),
};
inline const Operation kIam[] = {
    operation<iam::CreateRoleRequest, iam::CreateRoleResponse>("CreateRole", true,
                                                               "CreateRoleResult"),
    operation<iam::DeleteUserRequest, iam::DeleteUserResponse>("DeleteUser", false),
    operation<iam::ListUsersRequest, iam::ListUsersResponse>("ListUsers", true, "ListUsersResult"),
};
inline const Operation kRds[] = {
    operation<rds::CreateDBInstanceRequest, rds::CreateDBInstanceResponse>(
        "CreateDBInstance", true, "CreateDBInstanceResult"),
    operation<rds::DescribeDBInstancesRequest, rds::DescribeDBInstancesResponse>(
        "DescribeDBInstances", true, "DescribeDBInstancesResult"),
};
inline const Operation kEcs[] = {
    operation<ecs::DescribeTasksRequest, ecs::DescribeTasksResponse>("DescribeTasks", true),
    operation<ecs::RegisterTaskDefinitionRequest, ecs::RegisterTaskDefinitionResponse>(
        "RegisterTaskDefinition", true),
    operation<ecs::RunTaskRequest, ecs::RunTaskResponse>("RunTask", true),
};
inline const Operation kLogs[] = {
    operation<logs::CreateLogGroupRequest, logs::CreateLogGroupResponse>("CreateLogGroup", false),
    operation<logs::GetLogEventsRequest, logs::GetLogEventsResponse>("GetLogEvents", true),
    operation<logs::PutLogEventsRequest, logs::PutLogEventsResponse>("PutLogEvents", true),
};

inline const Operation kCloudwatch[] = {
    operation<cloudwatch::GetMetricDataRequest, cloudwatch::GetMetricDataResponse>(
        "GetMetricData", true, "GetMetricDataResult"),
    operation<cloudwatch::PutMetricDataRequest, cloudwatch::PutMetricDataResponse>("PutMetricData",
                                                                                   false),
};

inline constexpr Protocol kQueryOnly[] = {Protocol::query};
inline constexpr Protocol kQueryCborJson[] = {Protocol::query, Protocol::rpc_v2_cbor,
                                              Protocol::json_1_0};
inline constexpr Protocol kEc2Only[] = {Protocol::ec2};
inline constexpr Protocol kJsonBoth[] = {Protocol::json_1_1, Protocol::json_1_0};
inline constexpr std::string_view kUnserved[] = {"CancelExport", "StartThing"};
inline constexpr ErrorField kPartFields[] = {{"registryId", Kind::string},
                                             {"lastValidByteReceived", Kind::int64}};
inline constexpr ErrorShape kErrors[] = {
    {"ClusterNotFoundException", "ClusterNotFoundException", 400, "message", {}},
    {"InvalidLayerPartException", "InvalidLayerPartException", 400, "message", kPartFields},
    {"NoSuchEntityException", "NoSuchEntity", 404, "message", {}},
};

inline ServiceModel service(std::string_view name, Protocol protocol,
                            std::span<const Operation> operations) {
  ServiceModel out{};
  out.name = out.full_name = name;
  out.target_prefix = "Target_2014";
  out.api_version = "2014-10-31";
  out.xml_namespace = "http://x.amazonaws.com/doc/2014-10-31";
  out.protocol = protocol;
  out.protocols = protocol == Protocol::query ? kQueryOnly
                  : protocol == Protocol::ec2 ? kEc2Only
                                              : std::span<const Protocol>(kJsonBoth);
  out.validation =
      name == "ec2" || name == "rds" ? ValidationStyle::parameters : ValidationStyle::constraints;
  out.validation_code =
      protocol == Protocol::query ? "ValidationError" : "InvalidParameterException";
  out.operations = operations;
  out.unserved = kUnserved;
  out.errors = kErrors;
  return out;
}

inline const ServiceModel kEc2Service = service("ec2", Protocol::ec2, kEc2);
inline const ServiceModel kIamService = service("iam", Protocol::query, kIam);
inline const ServiceModel kRdsService = service("rds", Protocol::query, kRds);
inline const ServiceModel kEcsService = service("ecs", Protocol::json_1_1, kEcs);
inline const ServiceModel kLogsService = service("logs", Protocol::json_1_1, kLogs);

inline const ServiceModel kCloudwatchService = [] {
  ServiceModel out = service("cloudwatch", Protocol::query, kCloudwatch);
  out.protocols = kQueryCborJson;
  out.query_compatible = true;
  return out;
}();

inline http::Request cbor_request(std::string_view operation) {
  http::Request out{.method = "POST",
                    .path = fmt::format("/service/Target_2014/operation/{}", operation),
                    .query = {},
                    .headers = {},
                    .client = {}};
  out.headers.add("smithy-protocol", "rpc-v2-cbor");
  out.headers.add("Content-Type", "application/cbor");
  return out;
}

inline http::Request json_request(std::string_view operation, std::string_view version = "1.1") {
  http::Request out{.method = "POST", .path = "/", .query = {}, .headers = {}, .client = {}};
  out.headers.add("Content-Type", fmt::format("application/x-amz-json-{}", version));
  out.headers.add("X-Amz-Target", fmt::format("Target_2014.{}", operation));
  return out;
}

inline http::Request form_request() {
  http::Request out{.method = "POST", .path = "/", .query = {}, .headers = {}, .client = {}};
  out.headers.add("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
  return out;
}

// As the gateway does it.
inline Result<Object> read(const ServiceModel& service, const http::Request& request,
                           std::string_view body) {
  LF_TRY(call, identify(service, request, body));
  const Operation* found = find_operation(service, call.operation);
  if (!found) return std::unexpected(operation_missing(service, call.operation));
  return read_input(service, *found, call, request, body);
}

template <class Out>
std::string write(const ServiceModel& service, std::string_view operation, Out output) {
  return write_output(service, *find_operation(service, operation), service.protocol,
                      Object::of(std::move(output)), "req-1")
      .body;
}

}  // namespace landfall::wire::testing
