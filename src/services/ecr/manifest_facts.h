// What the registry must know about a manifest: its type and what it refers to.
// (host/images/manifest.h reads what a container needs.)
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "host/images/digest.h"

namespace landfall::ecr {

struct ManifestFacts {
  std::string media_type;
  std::string artifact_type;           // artifactType, or the configuration's media type
  std::vector<host::Digest> blobs;     // configuration and layers that must be in the repository
  std::vector<host::Digest> children;  // manifests an index lists
  std::optional<host::Digest> subject;
  std::string annotations;  // JSON object text, for the referrers list; empty: none
};

inline constexpr std::size_t kManifestLimit = 4 << 20;

// content_type: what the client called it; empty: nothing. Error "manifest-invalid" says what is
// wrong.
Result<ManifestFacts> read_manifest(std::string_view bytes, std::string_view content_type);

}  // namespace landfall::ecr
