#include "host/images/manifest.h"

#include <sys/utsname.h>

#include "base/record.h"

namespace landfall::host {
namespace {

constexpr std::size_t kMaxLayers = 512;

std::unexpected<Error> invalid(std::string_view what) {
  return fail("image-invalid", fmt::format("the image is invalid: {}", what));
}

Result<json::object> parse_object(std::string_view bytes, std::string_view what) {
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = 32;
  json::value value =
      json::parse(json::string_view(bytes.data(), bytes.size()), error, {}, options);
  if (error || !value.is_object()) return invalid(fmt::format("the {} is not a JSON object", what));
  return std::move(value.get_object());
}

// Null, as some builders write it, is as good as absent.
const json::value* member(const json::object& from, std::string_view name) {
  const json::value* found = from.if_contains(json::string_view(name.data(), name.size()));
  return found && !found->is_null() ? found : nullptr;
}

std::string text(const json::object& from, std::string_view name) {
  const json::value* found = member(from, name);
  if (!found || !found->is_string()) return {};
  return std::string(found->get_string());
}

std::vector<std::string> texts(const json::object& from, std::string_view name) {
  std::vector<std::string> out;
  const json::value* found = member(from, name);
  if (!found || !found->is_array()) return out;
  for (const json::value& item : found->get_array()) {
    if (item.is_string()) out.emplace_back(item.get_string());
  }
  return out;
}

Result<Digest> digest_of(const json::value& from, std::string_view what) {
  if (!from.is_object()) return invalid(fmt::format("the {} has no descriptor", what));
  auto digest = Digest::parse(text(from.get_object(), "digest"));
  if (!digest) return invalid(fmt::format("the {}'s digest is not a sha256 digest", what));
  return digest;
}

Result<Compression> compression_of(const std::string& media_type) {
  if (media_type.find("foreign") != std::string::npos ||
      media_type.find("nondistributable") != std::string::npos) {
    return invalid("it refers to foreign layers, which no registry holds");
  }
  if (media_type.ends_with("gzip")) return Compression::gzip;
  if (media_type.ends_with("zstd")) return Compression::zstd;
  if (media_type.ends_with("tar") || media_type.empty()) return Compression::none;
  return invalid(fmt::format("a layer's media type '{}' is not supported", media_type));
}

Result<ParsedManifest> parse_index(const json::array& entries) {
  std::vector<PlatformManifest> index;
  for (const json::value& entry : entries) {
    LF_TRY(digest, digest_of(entry, "index entry"));
    PlatformManifest out{digest, "", "", ""};
    if (const json::value* platform = member(entry.get_object(), "platform");
        platform && platform->is_object()) {
      out.os = text(platform->get_object(), "os");
      out.architecture = text(platform->get_object(), "architecture");
      out.variant = text(platform->get_object(), "variant");
    }
    index.push_back(std::move(out));
  }
  return ParsedManifest{{}, std::move(index)};
}

}  // namespace

Result<ParsedManifest> parse_manifest(std::string_view bytes) {
  LF_TRY(root, parse_object(bytes, "manifest"));
  if (const json::value* version = member(root, "schemaVersion");
      version && version->is_int64() && version->get_int64() == 1) {
    return invalid("its manifest has the obsolete schema 1; push it again with a current client");
  }
  if (const json::value* entries = member(root, "manifests")) {
    if (!entries->is_array()) return invalid("the index's manifests are not a list");
    return parse_index(entries->get_array());
  }
  const json::value* config = member(root, "config");
  const json::value* layers = member(root, "layers");
  if (!config || !layers || !layers->is_array()) {
    return invalid("the manifest has neither layers nor manifests");
  }
  LF_TRY(config_digest, digest_of(*config, "configuration"));
  Manifest out{config_digest, {}};
  if (layers->get_array().size() > kMaxLayers) return invalid("it has too many layers");
  for (const json::value& entry : layers->get_array()) {
    LF_TRY(digest, digest_of(entry, "layer"));
    const json::object& layer = entry.get_object();
    LF_TRY(compression, compression_of(text(layer, "mediaType")));
    const json::value* size = member(layer, "size");
    out.layers.push_back(
        {digest, size && size->is_int64() ? std::uint64_t(size->get_int64()) : 0, compression});
  }
  return ParsedManifest{std::move(out), {}};
}

Result<ImageConfig> parse_image_config(std::string_view bytes) {
  LF_TRY(root, parse_object(bytes, "configuration"));
  ImageConfig out;
  out.os = text(root, "os");
  out.architecture = text(root, "architecture");
  if (const json::value* process = member(root, "config"); process && process->is_object()) {
    const json::object& from = process->get_object();
    out.entry_point = texts(from, "Entrypoint");
    out.command = texts(from, "Cmd");
    out.user = text(from, "User");
    out.working_directory = text(from, "WorkingDir");
    out.stop_signal = text(from, "StopSignal");
    for (const std::string& variable : texts(from, "Env")) {
      const std::size_t equals = variable.find('=');
      if (equals == 0 || equals == std::string::npos) continue;
      out.environment[variable.substr(0, equals)] = variable.substr(equals + 1);
    }
    if (const json::value* volumes = member(from, "Volumes"); volumes && volumes->is_object()) {
      for (const auto& [path, ignored] : volumes->get_object()) out.volumes.emplace_back(path);
    }
  }
  if (const json::value* root_fs = member(root, "rootfs"); root_fs && root_fs->is_object()) {
    for (const std::string& id : texts(root_fs->get_object(), "diff_ids")) {
      auto digest = Digest::parse(id);
      if (!digest) return invalid("a diff id of the configuration is not a sha256 digest");
      out.diff_ids.push_back(std::move(*digest));
    }
  }
  return out;
}

std::string machine_architecture() {
  utsname name{};
  ::uname(&name);
  const std::string_view machine = name.machine;
  if (machine == "x86_64") return "amd64";
  if (machine == "aarch64") return "arm64";
  return std::string(machine);
}

Result<Digest> select_platform(const std::vector<PlatformManifest>& index,
                               std::string_view architecture) {
  std::string offered;
  for (const PlatformManifest& entry : index) {
    const bool os_fits = entry.os == "linux" || entry.os.empty();
    if (os_fits && entry.architecture == architecture) return entry.digest;
    // Attestations are listed beside the images, for no platform.
    if (entry.architecture == "unknown" || entry.architecture.empty()) continue;
    const std::string name = entry.os + "/" + entry.architecture;
    if (offered.find(name) == std::string::npos) offered += (offered.empty() ? "" : ", ") + name;
  }
  if (index.size() == 1 && index[0].architecture.empty()) return index[0].digest;
  if (offered.empty()) return invalid("its index lists no image");
  return fail("architecture-mismatch",
              fmt::format("the image is built for {}, but this machine needs linux/{}", offered,
                          architecture));
}

}  // namespace landfall::host
