// What the gateway knows about a service at run time: the generated tables of names, operations and
// errors.
#pragma once

#include "base/result.h"
#include "io/task.h"
#include "wire/context.h"
#include "wire/object.h"

namespace landfall::wire {

enum class Protocol : std::uint8_t {
  query,
  ec2,
  json_1_0,
  json_1_1,
  rest_json,
  rest_xml,
  rpc_v2_cbor
};

// In whose words a request that breaks the model is refused.
enum class ValidationStyle : std::uint8_t {
  constraints,  // "1 validation error detected: Value ... failed to satisfy constraint: ..."
  parameters,   // MissingParameter, InvalidParameterValue: EC2, RDS
};

// What IAM must allow before an operation runs; `resource` is a template, see wire/resources.h.
struct Permission {
  std::string_view action;
  std::string_view resource;
};

// What conditions of policies may ask about the request; `value` is a template as above.
struct ContextKey {
  std::string_view name;
  std::string_view value;
};

struct Operation {
  std::string_view name;
  const Shape* input;
  const Shape* output;
  bool has_output;                  // AWS models one, even if it is empty
  std::string_view result_wrapper;  // query
  std::string_view method;          // REST
  std::string_view uri;             // REST: a template, "/{Bucket}/{Key+}?uploads"
  int status;                       // of the answer
  bool anonymous;                   // needs no signature
  std::span<const Permission> permissions;
  std::span<const ContextKey> context_keys;
  // `service` is the service's struct, which outlives the call, as does the context.
  task<Result<Object>> (*invoke)(void* service, const RequestContext& ctx, Object input);
};

struct ErrorField {
  std::string_view name;
  Kind kind;
};

struct ErrorShape {
  std::string_view name;  // of the shape
  std::string_view code;  // on the wire of the query protocols
  int status;
  std::string_view message_key;  // "message" or "Message"
  std::span<const ErrorField> fields;
};

struct ServiceModel {
  std::string_view name;             // folder and IAM prefix: "ecs"
  std::string_view full_name;        // "Amazon Elastic Container Service"
  std::string_view service_id;       // as SDKs call it: "CloudWatch Logs"
  std::string_view signing_name;     // in the credential scope
  std::string_view endpoint_prefix;  // first label of the host name: "api.ecr"
  std::string_view target_prefix;    // of X-Amz-Target
  std::string_view api_version;
  std::string_view xml_namespace;
  Protocol protocol;                    // the model's own
  std::span<const Protocol> protocols;  // those that are understood
  bool query_compatible;                // JSON clients want the query error codes, too
  bool bare_xml_errors;                 // rest-xml without <ErrorResponse> around <Error>: S3
  ValidationStyle validation;
  std::string_view validation_code;
  std::span<const Operation> operations;       // served; sorted by name
  std::span<const std::string_view> unserved;  // AWS has them, we do not; sorted
  std::span<const ErrorShape> errors;          // sorted by name
};

// Null when the operation is not served.
const Operation* find_operation(const ServiceModel& service, std::string_view name);
// By shape name or by code; null when the model has none of that name.
const ErrorShape* find_error(const ServiceModel& service, std::string_view name_or_code);
// The error for an operation that find_operation does not know: "not implemented", or AWS's own "no
// such operation".
Error operation_missing(const ServiceModel& service, std::string_view name);

// The type-erased form of one handler.
template <class Service, class In, class Out,
          task<Result<Out>> (*kHandler)(Service&, const RequestContext&, In)>
task<Result<Object>> invoke(void* service, const RequestContext& ctx, Object input) {
  Result<Out> out =
      co_await kHandler(*static_cast<Service*>(service), ctx, std::move(input.as<In>()));
  if (!out) co_return std::unexpected(std::move(out).error());
  co_return Object::of(std::move(*out));
}

}  // namespace landfall::wire
