// Image manifests, indexes and configurations, Docker's schema 2 and OCI's: from bytes to what a
// container needs. https://github.com/opencontainers/image-spec
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "host/images/digest.h"

namespace landfall::host {

enum class Compression { none, gzip, zstd };

struct LayerReference {
  Digest digest;
  std::uint64_t size = 0;
  Compression compression = Compression::none;
};

struct Manifest {
  Digest config;
  std::vector<LayerReference> layers;  // lowest first
};

struct PlatformManifest {
  Digest digest;
  std::string os;            // empty: not said
  std::string architecture;  // Go's names: "amd64", "arm64"
  std::string variant;
};

// One of the two is set.
struct ParsedManifest {
  std::optional<Manifest> image;
  std::optional<std::vector<PlatformManifest>> index;
};
// Error "image-invalid": what is wrong with it. Schema 1 is refused.
Result<ParsedManifest> parse_manifest(std::string_view bytes);

// What the image says about its program; missing members are empty.
struct ImageConfig {
  std::string os;
  std::string architecture;
  std::vector<std::string> entry_point;
  std::vector<std::string> command;
  std::map<std::string, std::string> environment;
  std::string user;
  std::string working_directory;
  std::string stop_signal;
  std::vector<std::string> volumes;
  std::vector<Digest> diff_ids;  // of the uncompressed layers, lowest first
  // Docker's HEALTHCHECK is left out on purpose: ECS ignores it too.
};
Result<ImageConfig> parse_image_config(std::string_view bytes);

// This machine as images name it: "amd64", "arm64".
std::string machine_architecture();

// The entry for linux on this machine. Error "architecture-mismatch" names what there is and what
// is needed.
Result<Digest> select_platform(const std::vector<PlatformManifest>& index,
                               std::string_view architecture);

}  // namespace landfall::host
