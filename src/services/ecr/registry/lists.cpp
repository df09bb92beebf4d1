#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>

#include "services/ecr/images.h"
#include "services/ecr/manifest_facts.h"
#include "services/ecr/names.h"
#include "services/ecr/registry/call.h"

namespace landfall::ecr::registry {
namespace {

namespace json = boost::json;

constexpr std::size_t kPageLimit = 1000;

// ?n=: absent gives the most, nonsense an error.
Result<std::size_t> page_size(const Call& call) {
  if (!call.has_parameter("n")) return kPageLimit;
  const std::string_view text = call.parameter("n");
  std::size_t size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) {
    return fail("unsupported", fmt::format("n={} is not a number", text.substr(0, 50)));
  }
  return std::min(size, kPageLimit);
}

// One page of sorted names after ?last=, with the link to the next.
http::Response page(const Call& call, std::vector<std::string> names, json::object body,
                    std::string_view member) {
  const auto size = page_size(call);
  if (!size) return oci_error(400, "PAGINATION_NUMBER_INVALID", size.error().message);
  std::ranges::sort(names);
  auto at = std::ranges::upper_bound(names, std::string(call.parameter("last")));
  if (!call.has_parameter("last")) at = names.begin();
  json::array items;
  for (; at != names.end() && items.size() < *size; ++at) items.push_back(json::value(*at));
  http::Response response;
  response.headers.add("Content-Type", "application/json; charset=utf-8");
  if (at != names.end() && !items.empty()) {
    response.headers.add("Link", fmt::format("<{}?last={}&n={}>; rel=\"next\"", call.request.path,
                                             std::string_view(items.back().as_string()), *size));
  }
  body[member] = std::move(items);
  response.body = json::serialize(body);
  return response;
}

}  // namespace

task<http::Response> list_catalog(Call& call) {
  iam::Access access;
  access.action = "ecr:DescribeRepositories";
  access.resource = repository_arn(call.ctx.scope, "*");
  access.resource_account = call.ctx.scope.account;
  if (auto may = call.ecr.iam.authorize(*call.identity, call.ctx, access); !may)
    co_return oci_error(may.error());
  std::vector<std::string> names;
  for (auto& row : repositories(call.ecr.store, call.ctx.scope).list()) {
    if (!row.value.deleting) names.push_back(std::move(row.value.name));
  }
  co_return page(call, std::move(names), {}, "repositories");
}

task<http::Response> list_tags(Call& call) {
  auto repository = allowed(call, call.route.repository, "ecr:ListImages");
  if (!repository) co_return oci_error(repository.error());
  std::vector<std::string> names;
  for (auto& row : tags(call.ecr.store, repository->scope, repository->name()).list())
    names.push_back(std::move(row.id));
  co_return page(call, std::move(names), {{"name", repository->name()}}, "tags");
}

// https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers
task<http::Response> list_referrers(Call& call) {
  auto repository = allowed(call, call.route.repository, "ecr:BatchGetImage");
  if (!repository) co_return oci_error(repository.error());
  const auto subject = host::Digest::parse(call.route.reference);
  if (!subject) co_return oci_error(subject.error());
  const std::string_view wanted = call.parameter("artifactType");
  json::array manifests;
  for (const auto& row : images(call.ecr.store, repository->scope, repository->name()).list()) {
    const ImageRecord& image = row.value;
    if (image.subject != subject->str() || (!wanted.empty() && image.artifact_type != wanted))
      continue;
    json::object descriptor{{"mediaType", image.media_type},
                            {"digest", image.digest},
                            {"size", image.manifest_size},
                            {"artifactType", image.artifact_type}};
    const auto digest = host::Digest::parse(image.digest);
    const auto bytes = co_await call.ecr.blobs.read(*digest, kManifestLimit);
    const auto facts =
        bytes ? read_manifest(*bytes, image.media_type) : Result<ManifestFacts>(ManifestFacts());
    if (facts && !facts->annotations.empty())
      descriptor["annotations"] = json::parse(facts->annotations);
    manifests.push_back(std::move(descriptor));
  }
  http::Response response;
  response.headers.add("Content-Type", "application/vnd.oci.image.index.v1+json");
  if (!wanted.empty()) response.headers.add("OCI-Filters-Applied", "artifactType");
  response.body =
      json::serialize(json::object{{"schemaVersion", 2},
                                   {"mediaType", "application/vnd.oci.image.index.v1+json"},
                                   {"manifests", std::move(manifests)}});
  co_return response;
}

}  // namespace landfall::ecr::registry
