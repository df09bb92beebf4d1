#include "services/ecr/images.h"
#include "services/ecr/manifest_facts.h"
#include "services/ecr/names.h"
#include "services/ecr/registry/call.h"

namespace landfall::ecr::registry {
namespace {

http::Response manifest_unknown(const FoundRepository& repository, std::string_view reference) {
  return oci_error(404, "MANIFEST_UNKNOWN",
                   fmt::format("Requested image not found: {} in the repository with name '{}' in "
                               "the registry with id '{}'",
                               reference, repository.name(), repository.scope.account));
}

// The digest that a tag or digest reference means here; empty: none.
std::string resolve(const Call& call, const FoundRepository& repository) {
  const std::string& reference = call.route.reference;
  const std::string digest = reference.find(':') == std::string::npos
                                 ? digest_of_tag(call.ecr, repository, reference).value_or("")
                                 : reference;
  return find_image(call.ecr, repository, digest) ? digest : "";
}

}  // namespace

task<http::Response> get_manifest(Call& call) {
  auto repository = allowed(call, call.route.repository, "ecr:BatchGetImage");
  if (!repository) co_return oci_error(repository.error());
  const std::string found = resolve(call, *repository);
  const auto digest = host::Digest::parse(found);
  if (!digest) co_return manifest_unknown(*repository, call.route.reference);
  const auto image = find_image(call.ecr, *repository, found);
  auto bytes = co_await call.ecr.blobs.read(*digest, kManifestLimit);
  if (!bytes) co_return oci_error(bytes.error());
  if (call.request.method == "GET") co_await record_pull(call.ecr, *repository, found);
  http::Response response;
  response.headers.add("Content-Type", image->value.media_type);
  response.headers.add("Docker-Content-Digest", found);
  response.headers.add("Docker-Distribution-Api-Version", "registry/2.0");
  response.headers.add("ETag", fmt::format("\"{}\"", found));
  response.body = std::move(*bytes);
  co_return response;
}

task<http::Response> put_manifest(Call& call) {
  auto repository = allowed(call, call.route.repository, "ecr:PutImage");
  if (!repository) co_return oci_error(repository.error());
  NewImage image;
  image.media_type = call.request.headers.get("Content-Type");
  if (call.route.reference.find(':') != std::string::npos) {
    auto digest = host::Digest::parse(call.route.reference);
    if (!digest) co_return oci_error(digest.error());
    image.digest = *digest;
  } else if (is_tag(call.route.reference)) {
    image.tag = call.route.reference;
  } else {
    co_return oci_error(400, "TAG_INVALID", fmt::format("'{}' is not a tag", call.route.reference));
  }
  auto body = co_await call.body.read_all(kManifestLimit);
  if (!body) co_return oci_error(body.error());
  image.manifest = std::move(*body);
  auto stored = co_await put_image(call.ecr, *repository, std::move(image));
  if (!stored) co_return oci_error(stored.error());
  http::Response response{.status = 201};
  response.headers.add(
      "Location", fmt::format("/v2/{}/manifests/{}", repository->name(), stored->record.digest));
  response.headers.add("Docker-Content-Digest", stored->record.digest);
  response.headers.add("Docker-Distribution-Api-Version", "registry/2.0");
  if (!stored->record.subject.empty()) response.headers.add("OCI-Subject", stored->record.subject);
  co_return response;
}

task<http::Response> delete_manifest(Call& call) {
  auto repository = allowed(call, call.route.repository, "ecr:BatchDeleteImage");
  if (!repository) co_return oci_error(repository.error());
  const std::string digest = resolve(call, *repository);
  if (digest.empty()) co_return manifest_unknown(*repository, call.route.reference);
  Removal removal;
  // By tag, the tag goes; by digest, the image with all its tags.
  if (call.route.reference == digest) {
    removal.digests.insert(digest);
  } else {
    removal.tags.insert(call.route.reference);
  }
  auto removed = co_await remove_images(call.ecr, *repository, std::move(removal));
  if (!removed) co_return oci_error(removed.error());
  co_return http::Response{.status = 202};
}

}  // namespace landfall::ecr::registry
