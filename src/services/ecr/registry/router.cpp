#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/bytes.h"
#include "base/log.h"
#include "services/ecr/names.h"
#include "services/ecr/registry/call.h"
#include "services/ecr/registry/registry.h"

namespace landfall::ecr {
namespace registry {
namespace {

struct Code {
  std::string_view ours;
  std::string_view oci;
  int status;
};
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes
constexpr Code kCodes[] = {
    {"RepositoryNotFoundException", "NAME_UNKNOWN", 404},
    {"ImageTagAlreadyExistsException", "TAG_INVALID", 400},
    {"ImageDigestDoesNotMatchException", "DIGEST_INVALID", 400},
    {"LayersNotFoundException", "MANIFEST_BLOB_UNKNOWN", 404},
    {"ReferencedImagesNotFoundException", "MANIFEST_BLOB_UNKNOWN", 404},
    {"ImageNotFoundException", "MANIFEST_UNKNOWN", 404},
    {"ImageReferencedByManifestList", "DENIED", 403},
    {"AccessDenied", "DENIED", 403},
    {"AccessDeniedException", "DENIED", 403},
    {"token-expired", "DENIED", 403},
    {"token-invalid", "UNAUTHORIZED", 401},
    {"manifest-invalid", "MANIFEST_INVALID", 400},
    {"body-too-large", "SIZE_INVALID", 413},
    {"blob-unknown", "BLOB_UNKNOWN", 404},
    {"upload-unknown", "BLOB_UPLOAD_UNKNOWN", 404},
    {"upload-range", "BLOB_UPLOAD_INVALID", 416},
    {"upload-busy", "BLOB_UPLOAD_INVALID", 409},
    {"digest-mismatch", "DIGEST_INVALID", 400},
    {"digest-invalid", "DIGEST_INVALID", 400},
    {"name-invalid", "NAME_INVALID", 400},
    {"tag-invalid", "TAG_INVALID", 400},
    {"unsupported", "UNSUPPORTED", 405},
    {"disk-full", "TOOMANYREQUESTS", 507},
    {"connection-lost", "BLOB_UPLOAD_INVALID", 400},
    {"malformed-body", "BLOB_UPLOAD_INVALID", 400},
    {"timeout", "BLOB_UPLOAD_INVALID", 408},
};

std::string_view authority(const http::Request& request) { return request.headers.get("Host"); }

http::Response unauthorized(const http::Request& request, std::string_view message) {
  http::Response response = oci_error(401, "UNAUTHORIZED", message);
  response.headers.add("WWW-Authenticate",
                       fmt::format("Basic realm=\"{}://{}/\",service=\"ecr.amazonaws.com\"",
                                   request.tls ? "https" : "http", authority(request)));
  return response;
}

// "Basic " + base64("AWS:" + token)
std::optional<std::string> password_of(std::string_view header) {
  if (header.size() < 6 || !http::equal_ignoring_case(header.substr(0, 6), "basic ")) return {};
  auto text = base64_decode(header.substr(6));
  if (!text || !text->starts_with("AWS:")) return {};
  return text->substr(4);
}

}  // namespace

std::optional<Route> parse_route(std::string_view path) {
  using Kind = Route::Kind;
  if (!path.starts_with("/v2")) return {};
  path.remove_prefix(3);
  if (path.empty() || path == "/") return Route{};
  if (!path.starts_with('/')) return {};
  const auto decoded = percent_decode(path.substr(1));
  if (!decoded) return {};
  const std::string_view rest = *decoded;
  if (rest == "_catalog") return Route{Kind::catalog, "", ""};

  // Repository names may hold any of the words below, so the path is read from its end.
  const auto cut = [](std::string_view& text) -> std::string_view {
    const std::size_t slash = text.rfind('/');
    const std::string_view last = text.substr(slash == std::string_view::npos ? 0 : slash + 1);
    text = text.substr(0, slash == std::string_view::npos ? 0 : slash);
    return last;
  };
  std::string_view name = rest;
  const std::string_view last = cut(name);
  std::string_view before = name;
  const std::string_view word = cut(before);
  const auto route = [&](Kind kind, std::string_view repository, std::string_view reference) {
    return Route{kind, std::string(repository), std::string(reference)};
  };
  if (word == "manifests") return route(Kind::manifest, before, last);
  if (word == "referrers") return route(Kind::referrers, before, last);
  if (word == "tags" && last == "list") return route(Kind::tags, before, "");
  if (word == "blobs") {
    if (last == "uploads") return route(Kind::uploads, before, "");
    return route(Kind::blob, before, last);
  }
  if (word == "uploads" && before.ends_with("/blobs")) {
    before.remove_suffix(6);
    return route(last.empty() ? Kind::uploads : Kind::upload, before, last);
  }
  return {};
}

std::string_view Call::parameter(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return {};
}
bool Call::has_parameter(std::string_view name) const {
  return std::ranges::any_of(query, [&](const auto& pair) { return pair.first == name; });
}

http::Response oci_error(int status, std::string_view code, std::string_view message) {
  namespace json = boost::json;
  http::Response response{.status = status};
  response.headers.add("Content-Type", "application/json; charset=utf-8");
  response.headers.add("Docker-Distribution-Api-Version", "registry/2.0");
  response.body = json::serialize(
      json::object{{"errors", json::array{json::object{{"code", code}, {"message", message}}}}});
  return response;
}

http::Response oci_error(const Error& error) {
  for (const Code& code : kCodes) {
    if (code.ours == error.code) return oci_error(code.status, code.oci, error.message);
  }
  if (error.http_status >= 500) {
    log::error("ecr", "registry: {}: {}", error.code, error.message);
    return oci_error(500, "UNKNOWN", "internal error");
  }
  return oci_error(error.http_status, "UNKNOWN", error.message);
}

Result<FoundRepository> allowed(const Call& call, const std::string& name,
                                std::string_view action) {
  if (!is_repository_name(name))
    return fail("name-invalid", fmt::format("'{}' is not a repository name", name));
  const Scope& scope = call.ctx.scope;
  auto found = find_repository(call.ecr, scope, name);
  iam::Access access;
  if (found) {
    access = access_to(*found, action);
  } else {
    access.action = action;
    access.resource = repository_arn(scope, name);
    access.resource_account = scope.account;
  }
  LF_OK(call.ecr.iam.authorize(*call.identity, call.ctx, access));
  if (!found) return repository_missing(scope, name);
  return std::move(*found);
}

std::string download_purpose(const Scope& scope, std::string_view repository,
                             std::string_view digest) {
  return fmt::format("ecr-layer {}/{}/{}@{}", scope.account, scope.region, repository, digest);
}

namespace {

// Fills in who asks, and which registry is meant. The response, if any, is the refusal.
std::optional<http::Response> authenticate(Call& call) {
  Ecr& ecr = call.ecr;
  call.ctx.now = ecr.clock.now();
  call.ctx.client_address = call.request.client.address;
  call.ctx.user_agent = call.request.headers.get("User-Agent");
  call.ctx.host = authority(call.request);
  call.ctx.tls = call.request.tls;
  const auto scope = parse_registry_host(call.ctx.host);
  std::string token;
  std::string purpose = "ecr";
  if (call.route.kind == Route::Kind::blob && call.has_parameter("token")) {
    // A URL from GetDownloadUrlForLayer; its host names the registry.
    token = call.parameter("token");
    if (scope) purpose = download_purpose(*scope, call.route.repository, call.route.reference);
  } else {
    const std::string_view header = call.request.headers.get("Authorization");
    if (header.empty()) return unauthorized(call.request, "Not Authorized");
    auto password = password_of(header);
    if (!password) return unauthorized(call.request, "Not Authorized");
    token = std::move(*password);
  }
  auto identity = ecr.iam.redeem_token(token, purpose, call.ctx.now);
  if (!identity) {
    if (identity.error().code == "token-expired") {
      return oci_error(403, "DENIED",
                       "Your authorization token has expired. Reauthenticate and try again.");
    }
    return unauthorized(call.request, "Not Authorized");
  }
  call.identity = std::move(*identity);
  call.ctx.principal = call.identity->principal;
  call.ctx.scope = scope.value_or(Scope{call.ctx.principal.account, ecr.settings.default_region});
  return {};
}

http::Response base_response() {
  http::Response response;
  response.headers.add("Content-Type", "application/json; charset=utf-8");
  response.headers.add("Docker-Distribution-Api-Version", "registry/2.0");
  response.body = "{}";
  return response;
}

using Handler = task<http::Response> (*)(Call&);
struct Served {
  Route::Kind kind;
  std::string_view method;
  Handler handler;
};
constexpr Served kServed[] = {
    {Route::Kind::catalog, "GET", list_catalog},
    {Route::Kind::tags, "GET", list_tags},
    {Route::Kind::referrers, "GET", list_referrers},
    {Route::Kind::manifest, "GET", get_manifest},
    {Route::Kind::manifest, "HEAD", get_manifest},
    {Route::Kind::manifest, "PUT", put_manifest},
    {Route::Kind::manifest, "DELETE", delete_manifest},
    {Route::Kind::blob, "DELETE", delete_blob},
    {Route::Kind::uploads, "POST", start_upload},
    {Route::Kind::upload, "GET", upload_status},
    {Route::Kind::upload, "PATCH", append_upload},
    {Route::Kind::upload, "PUT", finish_upload},
    {Route::Kind::upload, "DELETE", cancel_upload},
};

task<void> dispatch(Call& call) {
  const std::string& method = call.request.method;
  const bool reads = method == "GET" || method == "HEAD";
  if (call.route.kind == Route::Kind::base && reads) {
    (void)co_await call.out.send(base_response());
    co_return;
  }
  if (call.route.kind == Route::Kind::blob && reads) {
    co_await get_blob(call);
    co_return;
  }
  for (const Served& served : kServed) {
    if (served.kind == call.route.kind && served.method == method) {
      (void)co_await call.out.send(co_await served.handler(call));
      co_return;
    }
  }
  (void)co_await call.out.send(oci_error(405, "UNSUPPORTED", "The operation is unsupported."));
}

}  // namespace
}  // namespace registry

task<void> serve_registry(Ecr& ecr, http::Request request, http::BodyReader& body,
                          http::ResponseWriter& out) {
  auto route = registry::parse_route(request.path);
  if (!route) {
    (void)co_await out.send(
        registry::oci_error(404, "NAME_UNKNOWN", "There is nothing at this path."));
    co_return;
  }
  auto query = http::parse_form(request.query);
  if (!query) {
    (void)co_await out.send(registry::oci_error(400, "UNSUPPORTED", "The query cannot be read."));
    co_return;
  }
  registry::Call call{ecr, std::move(request), body, out, std::move(*route), std::move(*query), {},
                      {}};
  if (auto refusal = registry::authenticate(call)) {
    (void)co_await out.send(std::move(*refusal));
    co_return;
  }
  co_await registry::dispatch(call);
}

}  // namespace landfall::ecr
