#include "services/ecr/manifest_facts.h"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace landfall::ecr {
namespace {

namespace json = boost::json;

constexpr std::string_view kDockerManifest = "application/vnd.docker.distribution.manifest.v2+json";
constexpr std::string_view kDockerIndex =
    "application/vnd.docker.distribution.manifest.list.v2+json";
constexpr std::string_view kOciManifest = "application/vnd.oci.image.manifest.v1+json";
constexpr std::string_view kOciIndex = "application/vnd.oci.image.index.v1+json";

std::unexpected<Error> invalid(std::string message) {
  return fail("manifest-invalid", std::move(message));
}

std::string_view text_of(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(name);
  if (found == nullptr || !found->is_string()) return {};
  return {found->get_string().data(), found->get_string().size()};
}

Result<host::Digest> digest_of(const json::value& descriptor, std::string_view what) {
  if (!descriptor.is_object()) return invalid(fmt::format("{} is not a descriptor", what));
  auto digest = host::Digest::parse(text_of(descriptor.get_object(), "digest"));
  if (!digest) return invalid(fmt::format("{} has no sha256 digest", what));
  return digest;
}

// Layers that live elsewhere (Windows base layers) are never pushed.
bool is_foreign(const json::value& descriptor) {
  const json::value* urls = descriptor.get_object().if_contains("urls");
  return urls != nullptr && urls->is_array() && !urls->get_array().empty();
}

Result<void> read_image(const json::object& root, ManifestFacts& facts) {
  const json::value* config = root.if_contains("config");
  const json::value* layers = root.if_contains("layers");
  if (config == nullptr) return invalid("the manifest has no config");
  if (layers == nullptr || !layers->is_array()) return invalid("the manifest has no layers");
  LF_TRY(config_digest, digest_of(*config, "config"));
  facts.blobs.push_back(config_digest);
  if (facts.artifact_type.empty()) facts.artifact_type = text_of(config->get_object(), "mediaType");
  for (const json::value& layer : layers->get_array()) {
    LF_TRY(digest, digest_of(layer, "a layer"));
    if (!is_foreign(layer)) facts.blobs.push_back(digest);
  }
  return {};
}

Result<void> read_index(const json::object& root, ManifestFacts& facts) {
  const json::value* manifests = root.if_contains("manifests");
  if (manifests == nullptr || !manifests->is_array()) return invalid("the index has no manifests");
  for (const json::value& manifest : manifests->get_array()) {
    LF_TRY(digest, digest_of(manifest, "a manifest of the index"));
    facts.children.push_back(digest);
  }
  return {};
}

std::string_view without_parameters(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  while (content_type.ends_with(' ')) content_type.remove_suffix(1);
  return content_type;
}

}  // namespace

Result<ManifestFacts> read_manifest(std::string_view bytes, std::string_view content_type) {
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = 16;
  const json::value parsed = json::parse({bytes.data(), bytes.size()}, error, {}, options);
  if (error || !parsed.is_object()) return invalid("the manifest is not a JSON object");
  const json::object& root = parsed.get_object();
  const json::value* version = root.if_contains("schemaVersion");
  if (version == nullptr || !version->is_int64() || version->get_int64() != 2) {
    return invalid("only manifests with schemaVersion 2 are accepted");
  }
  ManifestFacts facts;
  const std::string_view said = without_parameters(content_type);
  const std::string_view own = text_of(root, "mediaType");
  if (!said.empty() && !own.empty() && said != own) {
    return invalid(
        fmt::format("the manifest's mediaType {} is not its Content-Type {}", own, said));
  }
  facts.media_type = own.empty() ? said : own;
  if (facts.media_type.empty())
    facts.media_type = root.contains("manifests") ? kOciIndex : kOciManifest;
  facts.artifact_type = text_of(root, "artifactType");
  if (facts.media_type == kDockerManifest || facts.media_type == kOciManifest) {
    LF_OK(read_image(root, facts));
  } else if (facts.media_type == kDockerIndex || facts.media_type == kOciIndex) {
    LF_OK(read_index(root, facts));
  } else {
    return invalid(
        fmt::format("manifests of type '{}' are not accepted", facts.media_type.substr(0, 100)));
  }
  if (const json::value* subject = root.if_contains("subject");
      subject != nullptr && !subject->is_null()) {
    LF_TRY(digest, digest_of(*subject, "subject"));
    facts.subject = digest;
  }
  if (const json::value* notes = root.if_contains("annotations");
      notes != nullptr && notes->is_object()) {
    facts.annotations = json::serialize(*notes);
  }
  return facts;
}

}  // namespace landfall::ecr
