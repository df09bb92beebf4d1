#include "gateway/gateway.h"

#include <chrono>

#include "base/bytes.h"
#include "base/log.h"
#include "http/gzip.h"
#include "services/iam/encoded_denial.h"
#include "wire/exchange.h"
#include "wire/resources.h"
#include "wire/sigv4/chunked.h"

namespace landfall::gateway {
namespace {

// A request that says nothing of who sends it is read this far, to find out what it asks for.
constexpr std::size_t kUnsignedBodyLimit = 256 << 10;
constexpr std::string_view kOwnPrefix = "/_landfall/";

// How the protocol's services word their authentication errors.
sigv4::Family family_of(wire::Protocol protocol) {
  switch (protocol) {
    case wire::Protocol::query:
    case wire::Protocol::rpc_v2_cbor:  // its services spoke query before
      return sigv4::Family::query;
    case wire::Protocol::ec2:
      return sigv4::Family::ec2;
    case wire::Protocol::json_1_0:
    case wire::Protocol::json_1_1:
      return sigv4::Family::json;
    case wire::Protocol::rest_json:
      return sigv4::Family::rest;
    case wire::Protocol::rest_xml:
      return sigv4::Family::s3;
  }
  return sigv4::Family::json;
}

// Those that spoke query before they spoke JSON keep query's codes.
sigv4::Family family_of(const wire::ServiceModel& model, wire::Protocol protocol) {
  const sigv4::Family family = family_of(protocol);
  return family == sigv4::Family::json && model.query_compatible ? sigv4::Family::query : family;
}

// Of a service that is not served there is no model: how its clients read an error shows in what
// they send, and for REST in the service's name.
wire::ServiceModel model_of_unserved(const http::Request& request, std::string_view signed_for) {
  const std::string_view type = request.headers.get("content-type");
  wire::ServiceModel out{.name = signed_for};
  out.protocol = wire::Protocol::rest_json;
  if (request.headers.get("smithy-protocol") == "rpc-v2-cbor") {
    out.protocol = wire::Protocol::rpc_v2_cbor;
  } else if (!request.headers.get("x-amz-target").empty()) {
    out.protocol = type.ends_with("1.0") ? wire::Protocol::json_1_0 : wire::Protocol::json_1_1;
  } else if (type.starts_with("application/x-www-form-urlencoded")) {
    out.protocol = wire::Protocol::query;
  } else if (signed_for.starts_with("s3")) {
    out.protocol = wire::Protocol::rest_xml;
    out.bare_xml_errors = true;
  } else if (signed_for == "cloudfront") {
    out.protocol = wire::Protocol::rest_xml;
  }
  return out;
}

Error denial(Error error, sigv4::Family family) {
  switch (family) {
    case sigv4::Family::ec2:
      error.code = "UnauthorizedOperation";
      error.message = "You are not authorized to perform this operation. " + error.message;
      for (const auto& [name, value] : error.fields) {
        if (name != iam::kEncodedDenial) continue;
        error.message += " Encoded authorization failure message: " + value;
      }
      break;
    case sigv4::Family::json:
      error.code = "AccessDeniedException";
      error.http_status = 400;
      break;
    case sigv4::Family::rest:
      error.code = "AccessDeniedException";
      break;
    default:
      break;
  }
  std::erase_if(error.fields, [](const auto& field) { return field.first == iam::kEncodedDenial; });
  return error;
}

std::string_view parameter(const http::Parameters& form, std::string_view name) {
  for (const auto& [key, value] : form) {
    if (key == name) return value;
  }
  return {};
}

http::Response plain(int status, std::string body, std::string type = "text/plain") {
  http::Response out;
  out.status = status;
  out.headers.set("Content-Type", std::move(type));
  out.body = std::move(body);
  return out;
}

}  // namespace

// One request on its way through the chain.
struct Gateway::Exchange {
  http::Request request;
  RequestContext ctx;
  sigv4::Checked<sigv4::Claim> claim;
  const Service* service = nullptr;
  std::shared_ptr<const iam::Identity> identity;
  wire::Protocol protocol = wire::Protocol::json_1_1;
  std::string operation;   // as the client names it
  std::string error_code;  // of the answer
  EventSource stream;      // goes on with it
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
};

task<void> Gateway::handle(http::Request request, http::BodyReader& body,
                           http::ResponseWriter& out) {
  if (registry_ && (request.path == "/v2" || request.path.starts_with("/v2/"))) {
    co_await registry_(std::move(request), body, out);
    co_return;
  }
  for (const auto& [below, handler] : paths_) {
    if (!request.path.starts_with(below)) continue;
    co_await handler(std::move(request), body, out);
    co_return;
  }
  if (request.path == "/_landfall/health") {
    (void)co_await out.send(plain(200, "{\"status\":\"ok\"}\n", "application/json"));
    co_return;
  }
  for (const auto& [prefix, handler] : public_) {
    if (request.method != "GET" || !request.path.starts_with(prefix)) continue;
    auto answer = handler(request);
    (void)co_await out.send(answer ? std::move(*answer)
                                   : plain(answer.error().http_status, answer.error().message));
    co_return;
  }
  Exchange x{.request = std::move(request)};
  x.ctx.request_id = random_.uuid();
  x.ctx.now = clock_.now();
  x.ctx.client_address = x.request.client.address;
  x.ctx.user_agent = x.request.headers.get("user-agent");
  x.ctx.host = x.request.headers.get("host");
  x.ctx.tls = x.request.tls;
  http::Response response = co_await answer(x, body);
  audit(x, response);
  const auto spent = std::chrono::steady_clock::now() - x.started;
  metrics_.count(std::string(x.service ? x.service->model->name : std::string_view("none")),
                 x.operation, response.status,
                 std::chrono::duration_cast<std::chrono::microseconds>(spent).count());
  if (x.stream) {
    co_await send_stream(std::move(x.stream), out);
    co_return;
  }
  (void)co_await out.send(std::move(response));
}

// Until the source or the client ends.
task<void> Gateway::send_stream(EventSource source, http::ResponseWriter& out) {
  http::Response head;
  head.headers.set("Content-Type", "application/vnd.amazon.eventstream");
  if (!co_await out.start(std::move(head))) co_return;
  while (auto bytes = co_await source()) {
    if (!co_await out.write(*bytes)) co_return;
  }
  (void)co_await out.finish();
}

// The border where exceptions stop: they are our own bugs.
task<http::Response> Gateway::answer(Exchange& x, http::BodyReader& body) {
  Result<http::Response> result;
  try {
    x.claim = sigv4::read_claim(x.request);
    if (x.request.path.starts_with(kOwnPrefix)) co_return co_await answer_own(x, body);
    result = co_await call(x, body);
  } catch (const io::Cancelled&) {
    throw;
  } catch (const std::exception& bug) {
    log::error("gateway", "request={} operation={} exception: {}", x.ctx.request_id, x.operation,
               bug.what());
    result = fail("InternalFailure",
                  "The request processing has failed because of an unknown error, exception or "
                  "failure.",
                  500);
  }
  if (result) co_return std::move(*result);
  Error& error = result.error();
  // Codes of the layers below ("disk-full", "errno-EIO") say what happened to us, not to the
  // client.
  const bool ours =
      std::islower(static_cast<unsigned char>(error.code.empty() ? 'a' : error.code[0]));
  if (ours) {
    log::error("gateway", "request={} operation={} failed: {}: {}", x.ctx.request_id, x.operation,
               error.code, error.message);
    error = {error.code == "disk-full" ? "ServiceUnavailable" : "InternalFailure",
             error.code == "disk-full" ? "The disk of this server is full." : error.message,
             error.code == "disk-full" ? 503 : 500};
  }
  x.error_code = error.code;
  if (!x.service) {
    const std::string signed_for = x.claim ? x.claim->scope.service : "";
    const wire::ServiceModel unserved = model_of_unserved(x.request, signed_for);
    co_return wire::write_error(unserved, unserved.protocol, error, x.ctx.request_id);
  }
  co_return wire::write_error(*x.service->model, x.protocol, error, x.ctx.request_id);
}

bool Gateway::says_nothing(const Exchange& x) {
  return !x.claim && x.claim.error().kind == sigv4::Problem::Kind::missing &&
         x.request.method == "POST" &&
         x.request.headers.get("content-type").starts_with("application/x-www-form-urlencoded");
}

task<Result<http::Response>> Gateway::call(Exchange& x, http::BodyReader& body) {
  // Route.
  x.service = routes_.find(x.request, x.claim ? &*x.claim : nullptr);
  std::optional<std::string> form;
  if (!x.service && says_nothing(x)) {
    // A form that names an operation without a signature, sent to an address: AssumeRoleWith...
    // One that cannot be read stays unknown, as any other request of nobody.
    if (auto text = co_await body.read_all(kUnsignedBodyLimit)) {
      if (const auto parsed = http::parse_form(*text)) x.service = routes_.find_anonymous(*parsed);
      form = std::move(*text);
    }
  }
  if (!x.service) {
    if (!x.claim) {
      co_return std::unexpected(sigv4::to_error(x.claim.error(), sigv4::Family::query));
    }
    co_return fail("NotImplemented",
                   fmt::format("Landfall does not serve '{}'. It serves: {}.",
                               x.claim->scope.service, routes_.served_names()),
                   501);
  }
  const wire::ServiceModel& model = *x.service->model;
  x.protocol = wire::protocol_of(model, x.request);

  // Authenticate, as far as that goes without the body.
  const bool is_signed = x.claim.has_value();
  if (!is_signed && x.claim.error().kind != sigv4::Problem::Kind::missing) {
    co_return std::unexpected(sigv4::to_error(x.claim.error(), family_of(model, x.protocol)));
  }
  if (is_signed) LF_CO_OK(authenticate_before_body(x));

  // Read, never more than the limit.
  const std::size_t limit = is_signed ? x.service->body_limit : kUnsignedBodyLimit;
  Result<std::string> read;
  if (form) {
    read = std::move(*form);
  } else {
    read = co_await body.read_all(limit);
  }
  if (!read) {
    if (read.error().code != "body-too-large") co_return std::unexpected(read.error());
    co_return fail("RequestEntityTooLarge",
                   fmt::format("The request body is larger than {} bytes, the most that {} takes.",
                               limit, model.name),
                   413);
  }
  if (is_signed) LF_CO_OK(authenticate_body(x, *read));

  if (http::equal_ignoring_case(x.request.headers.get("content-encoding"), "gzip")) {
    auto plain = http::gunzip(*read, limit);
    if (!plain) co_return fail("SerializationException", plain.error().message);
    *read = std::move(*plain);
  }

  // Parse and validate.
  auto identified = wire::identify(model, x.request, *read);
  if (!identified) co_return std::unexpected(identified.error());
  x.operation = identified->operation;
  x.protocol = identified->protocol;
  const wire::Operation* operation = wire::find_operation(model, x.operation);
  if (!is_signed && !(operation && operation->anonymous)) {
    co_return std::unexpected(sigv4::to_error(x.claim.error(), family_of(model, x.protocol)));
  }
  if (!operation) co_return std::unexpected(wire::operation_missing(model, x.operation));
  LF_CO_TRY(input, wire::read_input(model, *operation, *identified, x.request, *read));

  // Authorise.
  if (is_signed) LF_CO_OK(authorise(x, *operation, input));
  if (x.protocol == wire::Protocol::ec2 && parameter(identified->form, "DryRun") == "true") {
    co_return fail("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412);
  }

  // Dispatch.
  auto output = co_await operation->invoke(x.service->instance, x.ctx, std::move(input));
  if (!output) {
    // Handlers that ask IAM themselves get its answer in general words.
    if (output.error().code == "AccessDenied") {
      co_return std::unexpected(denial(std::move(output.error()), family_of(model, x.protocol)));
    }
    co_return std::unexpected(std::move(output.error()));
  }
  if (const auto stream = streams_.find({&model, x.operation}); stream != streams_.end()) {
    x.stream = stream->second(x.ctx);
  }
  co_return wire::write_output(model, *operation, x.protocol, *output, x.ctx.request_id);
}

// Who asks and when, before a byte of the body is taken: a stranger cannot make us read much.
Result<void> Gateway::authenticate_before_body(Exchange& x) {
  const sigv4::Claim& claim = *x.claim;
  const sigv4::Family family =
      x.service ? family_of(*x.service->model, x.protocol) : family_of(x.protocol);
  auto identity = access_.find_identity(claim.access_key_id, claim.session_token, x.ctx.now);
  if (!identity) return std::unexpected(sigv4::to_error(identity.error(), family));
  if (const auto timely = sigv4::check_time(claim, x.ctx.now); !timely) {
    return std::unexpected(sigv4::to_error(timely.error(), family));
  }
  x.identity = std::move(*identity);
  return {};
}

Result<void> Gateway::authenticate_body(Exchange& x, std::string_view body) {
  const sigv4::Claim& claim = *x.claim;
  const std::string digest = sha256_hex(body);
  auto verified =
      sigv4::verify(claim, x.request, x.identity->secret, digest, x.ctx.now, signing_keys_);
  if (verified && claim.payload.size() == digest.size() && claim.payload != digest) {
    verified = sigv4::problem(sigv4::Problem::Kind::payload_mismatch);
  }
  if (!verified) {
    const sigv4::Family family =
        x.service ? family_of(*x.service->model, x.protocol) : family_of(x.protocol);
    return std::unexpected(sigv4::to_error(verified.error(), family));
  }
  x.ctx.principal = x.identity->principal;
  x.ctx.scope = {x.identity->principal.account, claim.scope.region};
  return {};
}

Result<void> Gateway::authorise(Exchange& x, const wire::Operation& operation,
                                const wire::Object& input) {
  // Root may do everything in its account: nothing to evaluate, and no resources to work out.
  if (x.identity->principal.kind == Principal::Kind::root && !x.identity->session) return {};
  iam::policy::ContextKeys keys;
  for (auto& [key, values] : wire::request_keys(operation, input, x.ctx.scope)) {
    keys.set(key, std::move(values));
  }
  for (const wire::Demand& demand : wire::demands(operation, input, x.ctx.scope)) {
    if (demand.action == "none") continue;  // the operation decides by itself
    for (const std::string& resource : demand.resources) {
      iam::Access access{
          .action = std::string(demand.action), .resource = resource, .context = keys};
      if (auto allowed = access_.authorize(*x.identity, x.ctx, access); !allowed) {
        return std::unexpected(
            denial(std::move(allowed.error()), family_of(*x.service->model, x.protocol)));
      }
    }
  }
  return {};
}

task<std::string> Gateway::metrics_text() {
  std::string text = metrics_.text();
  if (more_metrics_) text += co_await more_metrics_();
  co_return text;
}

task<http::Response> Gateway::answer_own(Exchange& x, http::BodyReader& body) {
  x.operation = x.request.path;
  const auto refuse = [](const Error& error) {
    return plain(
        error.http_status,
        json::serialize(json::object{{"code", error.code}, {"message", error.message}}) + "\n",
        "application/json");
  };
  if (!x.claim) co_return refuse(sigv4::to_error(x.claim.error(), sigv4::Family::query));
  x.protocol = wire::Protocol::query;
  if (auto known = authenticate_before_body(x); !known) co_return refuse(known.error());
  const auto read = co_await body.read_all(kUnsignedBodyLimit);
  if (!read) co_return refuse({"RequestEntityTooLarge", "The request body is too large.", 413});
  if (auto good = authenticate_body(x, *read); !good) co_return refuse(good.error());
  if (x.ctx.principal.kind != Principal::Kind::root) {
    co_return refuse({"AccessDenied", "Only the root user may ask this.", 403});
  }
  if (x.request.path == "/_landfall/metrics") co_return plain(200, co_await metrics_text());
  const auto found = own_.find(x.request.path.substr(kOwnPrefix.size()));
  if (found == own_.end()) co_return refuse({"NotFound", "There is no such call.", 404});
  const auto query = http::parse_form(x.request.query);
  if (!query) co_return refuse(query.error());
  auto answered = co_await found->second(x.ctx, *query);
  if (!answered) co_return refuse(answered.error());
  co_return std::move(*answered);
}

// One line a call: who did what, from where, and what came of it.
void Gateway::audit(const Exchange& x, const http::Response& response) const {
  const auto spent = std::chrono::steady_clock::now() - x.started;
  log::info(
      "api", "{} {}:{} status={}{}{} by={} key={} from={} ms={:.1f}", x.ctx.request_id,
      x.service ? x.service->model->name : std::string_view("-"),
      x.operation.empty() ? std::string_view("-") : std::string_view(x.operation), response.status,
      x.error_code.empty() ? "" : " error=", x.error_code,
      x.ctx.principal.arn.empty() ? std::string_view("-") : std::string_view(x.ctx.principal.arn),
      x.claim ? std::string_view(x.claim->access_key_id) : std::string_view("-"),
      x.ctx.client_address,
      double(std::chrono::duration_cast<std::chrono::microseconds>(spent).count()) / 1000);
}

}  // namespace landfall::gateway
