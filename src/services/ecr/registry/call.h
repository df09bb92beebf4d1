// One request to the registry: who asks for what, and the way to answer.
#pragma once

#include "http/server.h"
#include "services/ecr/access.h"

namespace landfall::ecr::registry {

// What the path after /v2/ says.
struct Route {
  enum class Kind {
    base,
    catalog,
    tags,
    manifest,
    blob,
    uploads,
    upload,
    referrers
  } kind = Kind::base;
  std::string repository;
  std::string reference;  // tag, digest or upload id
};
// Nothing for a path that is none of ours. `path` is percent-encoded, as sent.
std::optional<Route> parse_route(std::string_view path);

// Lives as long as the request is answered.
struct Call {
  Ecr& ecr;
  http::Request request;
  http::BodyReader& body;
  http::ResponseWriter& out;
  Route route;
  http::Parameters query;
  RequestContext ctx;
  std::shared_ptr<const iam::Identity> identity;

  std::string_view parameter(std::string_view name) const;
  bool has_parameter(std::string_view name) const;
};

// {"errors": [{code, message}]}
http::Response oci_error(int status, std::string_view code, std::string_view message);
// In the registry's words, whatever layer it comes from.
http::Response oci_error(const Error& error);

// The repository, if the caller may do this to it; else the error to send. `name` differs from the
// route's for mounts.
Result<FoundRepository> allowed(const Call& call, const std::string& name, std::string_view action);

// Handlers by Route::Kind; the method has been checked.
task<http::Response> list_catalog(Call& call);
task<http::Response> list_tags(Call& call);
task<http::Response> list_referrers(Call& call);
task<http::Response> get_manifest(Call& call);
task<http::Response> put_manifest(Call& call);
task<http::Response> delete_manifest(Call& call);
task<http::Response> delete_blob(Call& call);
task<http::Response> start_upload(Call& call);
task<http::Response> upload_status(Call& call);
task<http::Response> append_upload(Call& call);
task<http::Response> finish_upload(Call& call);
task<http::Response> cancel_upload(Call& call);
// Streams, so it answers by itself.
task<void> get_blob(Call& call);

// A layer URL's token is for one blob.
std::string download_purpose(const Scope& scope, std::string_view repository,
                             std::string_view digest);

}  // namespace landfall::ecr::registry
