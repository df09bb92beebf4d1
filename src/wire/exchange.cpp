#include "wire/exchange.h"

#include "base/bytes.h"
#include "wire/cbor.h"
#include "wire/form.h"
#include "wire/json.h"
#include "wire/rest.h"
#include "wire/validate.h"
#include "wire/xml.h"

namespace landfall::wire {
namespace {

constexpr std::string_view kDeclaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

bool is_json(Protocol protocol) {
  return protocol == Protocol::json_1_0 || protocol == Protocol::json_1_1;
}

bool is_query(Protocol protocol) {
  return protocol == Protocol::query || protocol == Protocol::ec2;
}

bool is_rest(Protocol protocol) {
  return protocol == Protocol::rest_json || protocol == Protocol::rest_xml;
}

std::string_view parameter(const http::Parameters& parameters, std::string_view name) {
  const auto found = std::ranges::find(parameters, name, &http::Parameters::value_type::first);
  return found == parameters.end() ? std::string_view() : found->second;
}

Result<Call> identify_json(const ServiceModel& service, Protocol protocol,
                           const http::Request& request) {
  const std::string_view target = request.headers.get("X-Amz-Target");
  const std::size_t dot = target.rfind('.');
  if (dot == target.npos || target.substr(0, dot) != service.target_prefix) {
    return std::unexpected(operation_missing(service, target));
  }
  return Call{.protocol = protocol,
              .operation = std::string(target.substr(dot + 1)),
              .form = {},
              .labels = {}};
}

// /service/GraniteServiceVersion20100801/operation/ListMetrics
Result<Call> identify_rpc(const ServiceModel& service, const http::Request& request) {
  std::string_view path = request.path;
  const std::size_t at = path.rfind("/service/");
  const std::size_t name_at = at == path.npos ? at : path.find("/operation/", at);
  if (name_at == path.npos || request.method != "POST")
    return std::unexpected(operation_missing(service, ""));
  return Call{
      .protocol = Protocol::rpc_v2_cbor,
      .operation = std::string(path.substr(name_at + std::string_view("/operation/").size())),
      .form = {},
      .labels = {}};
}

Result<Call> identify_form(const ServiceModel& service, const http::Request& request,
                           std::string_view body) {
  Call call{.protocol = service.protocol, .operation = {}, .form = {}, .labels = {}};
  for (const std::string_view text : {std::string_view(request.query), body}) {
    auto parsed = http::parse_form(text);
    if (!parsed) return fail("MalformedQueryString", parsed.error().message);
    std::ranges::move(*parsed, std::back_inserter(call.form));
  }
  call.operation = parameter(call.form, "Action");
  if (call.operation.empty())
    return fail("MissingAction", "The request must contain the parameter Action");
  const std::string_view version = parameter(call.form, "Version");
  // EC2 has had dozens of versions, each of which its clients may still name.
  if (service.protocol == Protocol::query && !version.empty() && version != service.api_version) {
    return fail("InvalidAction", fmt::format("Could not find operation {} for version {}",
                                             call.operation.substr(0, 128), version.substr(0, 32)));
  }
  return call;
}

Result<Call> identify_rest(const ServiceModel& service, const http::Request& request) {
  auto query = http::parse_form(request.query);
  if (!query) return fail("MalformedQueryString", query.error().message);
  RestMatch match = match_rest(service, request.method, request.path, *query);
  if (!match.operation) {
    return fail("UnknownOperationException",
                fmt::format("Landfall serves no operation of {} at {} {}", service.full_name,
                            request.method.substr(0, 16), request.path.substr(0, 256)),
                404);
  }
  return Call{.protocol = service.protocol,
              .operation = std::string(match.operation->name),
              .form = std::move(*query),
              .labels = std::move(match.labels)};
}

http::Response response(int status, std::string_view content_type, std::string_view request_id,
                        std::string body) {
  http::Response out{.status = status, .headers = {}, .body = std::move(body)};
  out.headers.add("Content-Type", std::string(content_type));
  out.headers.add("x-amzn-RequestId", std::string(request_id));
  return out;
}

std::string_view content_type(Protocol protocol) {
  switch (protocol) {
    case Protocol::query:
      return "text/xml";
    case Protocol::ec2:
      return "text/xml;charset=UTF-8";
    case Protocol::json_1_0:
      return "application/x-amz-json-1.0";
    case Protocol::json_1_1:
      return "application/x-amz-json-1.1";
    case Protocol::rest_json:
      return "application/json";
    case Protocol::rest_xml:
      return "application/xml";
    case Protocol::rpc_v2_cbor:
      return "application/cbor";
  }
  return "";
}

std::string query_body(const ServiceModel& service, const Operation& operation,
                       const Object& output, std::string_view request_id) {
  std::string out = fmt::format("<{}Response xmlns=\"{}\">", operation.name, service.xml_namespace);
  if (operation.has_output) {
    const std::string_view wrapper = operation.result_wrapper;
    if (!wrapper.empty()) out += fmt::format("<{}>", wrapper);
    write_xml_members(output.shape(), output.get(), out, true);
    if (!wrapper.empty()) out += fmt::format("</{}>", wrapper);
  }
  return out +
         fmt::format("<ResponseMetadata><RequestId>{}</RequestId></ResponseMetadata></{}Response>",
                     request_id, operation.name);
}

std::string ec2_body(const ServiceModel& service, const Operation& operation, const Object& output,
                     std::string_view request_id) {
  std::string out = fmt::format("{}<{}Response xmlns=\"{}/\"><requestId>{}</requestId>",
                                kDeclaration, operation.name, service.xml_namespace, request_id);
  if (operation.has_output) {
    write_xml_members(output.shape(), output.get(), out, true);
  } else {
    out += "<return>true</return>";
  }
  return out + fmt::format("</{}Response>", operation.name);
}

// ---- errors ----

// Codes of the layers below are kebab-case; one that reaches a client is a fault of ours that
// nobody translated.
Error presentable(const ServiceModel& service, const Error& error) {
  const bool ours = error.code.empty() || (error.code[0] >= 'a' && error.code[0] <= 'z' &&
                                           error.code.find('-') != std::string::npos);
  if (!ours) return error;
  return {service.protocol == Protocol::ec2 ? "InternalError" : "InternalFailure",
          error.code.empty() ? error.message : fmt::format("{} ({})", error.message, error.code),
          500};
}

Kind field_kind(const ErrorShape* modelled, std::string_view name) {
  if (!modelled) return Kind::string;
  const auto found = std::ranges::find(modelled->fields, name, &ErrorField::name);
  return found == modelled->fields.end() ? Kind::string : found->kind;
}

// Further members that are not text come as JSON already.
std::string json_error(const ErrorShape* modelled, const Error& error) {
  std::string out = "{\"__type\":";
  write_json_string(modelled ? modelled->name : error.code, out);
  out += ',';
  write_json_string(modelled ? modelled->message_key : "message", out);
  out += ':';
  write_json_string(error.message, out);
  for (const auto& [name, value] : error.fields) {
    out += ',';
    write_json_string(name, out);
    out += ':';
    const Kind kind = field_kind(modelled, name);
    if (kind == Kind::string || kind == Kind::blob) {
      write_json_string(value, out);
    } else {
      out += value;
    }
  }
  return out + "}";
}

std::string cbor_error(const ErrorShape* modelled, const Error& error) {
  // Members that are not text come as JSON, which has no place here.
  std::vector<const std::pair<std::string, std::string>*> fields;
  for (const auto& field : error.fields) {
    if (field_kind(modelled, field.first) == Kind::string) fields.push_back(&field);
  }
  std::string out;
  write_cbor_map(2 + fields.size(), out);
  write_cbor_string("__type", out);
  write_cbor_string(modelled ? modelled->name : error.code, out);
  write_cbor_string(modelled ? modelled->message_key : "message", out);
  write_cbor_string(error.message, out);
  for (const auto* field : fields) {
    write_cbor_string(field->first, out);
    write_cbor_string(field->second, out);
  }
  return out;
}

std::string xml_error_members(const ErrorShape* modelled, const Error& error) {
  std::string out = "<Code>";
  write_xml_text(modelled ? modelled->code : error.code, out);
  out += "</Code><Message>";
  write_xml_text(error.message, out);
  out += "</Message>";
  for (const auto& [name, value] : error.fields)
    write_xml_element(name, kString, &value, TimeFormat::by_protocol, out);
  return out;
}

std::string xml_error(const ServiceModel& service, Protocol protocol, const ErrorShape* modelled,
                      const Error& error, std::string_view request_id) {
  const std::string members = xml_error_members(modelled, error);
  if (protocol == Protocol::ec2) {
    return fmt::format(
        "{}<Response><Errors><Error>{}</Error></Errors><RequestID>{}</RequestID></Response>",
        kDeclaration, members, request_id);
  }
  if (service.bare_xml_errors) {
    return fmt::format("{}<Error>{}<RequestId>{}</RequestId></Error>", kDeclaration, members,
                       request_id);
  }
  return fmt::format(
      "<ErrorResponse "
      "xmlns=\"{}\"><Error><Type>{}</Type>{}</Error><RequestId>{}</RequestId></ErrorResponse>",
      service.xml_namespace, error.http_status < 500 ? "Sender" : "Receiver", members, request_id);
}

}  // namespace

Protocol protocol_of(const ServiceModel& service, const http::Request& request) {
  const std::string_view type = request.headers.get("Content-Type");
  // The header decides, as the protocol has it: a request without input has no content type.
  if (request.headers.get("smithy-protocol") == "rpc-v2-cbor" &&
      std::ranges::find(service.protocols, Protocol::rpc_v2_cbor) != service.protocols.end()) {
    return Protocol::rpc_v2_cbor;
  }
  for (const Protocol protocol : service.protocols) {
    if (is_json(protocol) && type.starts_with(content_type(protocol))) return protocol;
  }
  return service.protocol;
}

Result<Call> identify(const ServiceModel& service, const http::Request& request,
                      std::string_view body) {
  const Protocol protocol = protocol_of(service, request);
  if (is_json(protocol)) return identify_json(service, protocol, request);
  if (protocol == Protocol::rpc_v2_cbor) return identify_rpc(service, request);
  if (is_rest(protocol)) return identify_rest(service, request);
  return identify_form(service, request, body);
}

Result<Object> read_input(const ServiceModel& service, const Operation& operation, const Call& call,
                          const http::Request& request, std::string_view body) {
  Object input(*operation.input);
  Problems problems(service);
  if (is_json(call.protocol)) {
    LF_TRY(parsed, parse_json(body.empty() ? "{}" : body));
    LF_OK(read_json(*operation.input, parsed, input.get(), problems, Path{}));
  } else if (call.protocol == Protocol::rpc_v2_cbor) {
    // An operation without input may come without a body; "\xa0" is the empty map.
    LF_OK(read_cbor(*operation.input, body.empty() ? "\xa0" : body, input.get(), problems));
  } else if (is_rest(call.protocol)) {
    const RestRequest parts{call.labels, call.form, request.headers, body};
    LF_OK(read_rest(call.protocol, *operation.input, parts, input.get(), problems));
  } else {
    LF_OK(read_form(*operation.input, call.form, input.get(), problems));
  }
  validate(*operation.input, input.get(), problems, Path{});
  if (!problems.empty()) return std::unexpected(problems.error());
  return input;
}

http::Response write_output(const ServiceModel& service, const Operation& operation,
                            Protocol protocol, const Object& output, std::string_view request_id) {
  if (is_rest(protocol)) {
    http::Response out =
        write_rest(protocol, service, output.shape(), output.get(), operation.status);
    out.headers.add("x-amzn-RequestId", std::string(request_id));
    return out;
  }
  std::string body;
  if (protocol == Protocol::query) {
    body = query_body(service, operation, output, request_id);
  } else if (protocol == Protocol::ec2) {
    body = ec2_body(service, operation, output, request_id);
  } else if (operation.has_output && protocol == Protocol::rpc_v2_cbor) {
    write_cbor(output.shape(), output.get(), body, true);
  } else if (operation.has_output) {
    write_json(output.shape(), output.get(), body, true);
  }
  http::Response out =
      response(operation.status, content_type(protocol), request_id, std::move(body));
  if (protocol == Protocol::rpc_v2_cbor) out.headers.add("smithy-protocol", "rpc-v2-cbor");
  return out;
}

http::Response write_error(const ServiceModel& service, Protocol protocol, const Error& error,
                           std::string_view request_id) {
  const Error shown = presentable(service, error);
  const ErrorShape* modelled = find_error(service, shown.code);
  const bool as_xml = is_query(protocol) || protocol == Protocol::rest_xml;
  const bool as_cbor = protocol == Protocol::rpc_v2_cbor;
  http::Response out = response(shown.http_status, content_type(protocol), request_id,
                                as_xml ? xml_error(service, protocol, modelled, shown, request_id)
                                : as_cbor ? cbor_error(modelled, shown)
                                          : json_error(modelled, shown));
  if (as_xml) return out;
  if (as_cbor) out.headers.add("smithy-protocol", "rpc-v2-cbor");
  if (!as_cbor)
    out.headers.add("x-amzn-ErrorType", std::string(modelled ? modelled->name : shown.code));
  if (service.query_compatible) {
    out.headers.add("x-amzn-query-error",
                    fmt::format("{};{}", modelled ? modelled->code : shown.code,
                                shown.http_status < 500 ? "Sender" : "Receiver"));
  }
  return out;
}

}  // namespace landfall::wire
