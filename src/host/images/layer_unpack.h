// One image layer, from a compressed tar file to a folder that overlayfs takes as a lower layer:
// whiteouts become character devices 0:0, opaque folders get trusted.overlay.opaque.
//
// The archive is outside input and this runs as root: no path leaves the folder whatever the
// archive's names and links say, device nodes are not made, and only harmless extended attributes
// are kept.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/result.h"
#include "host/images/digest.h"

namespace landfall::host {

struct UnpackLimits {
  std::uint64_t bytes = 64ULL << 30;
  std::uint64_t entries = 4'000'000;
};

// Unpacks `archive` (plain, gzip, zstd, xz or bzip2: found out by looking) into the existing empty
// folder `target`, adding `id_shift` to every owner, and gives the digest of the uncompressed
// bytes. Blocks. On failure the folder holds a part; the caller removes it. Errors:
// "image-invalid", "disk-full", errno-*.
Result<Digest> unpack_layer(const std::filesystem::path& archive,
                            const std::filesystem::path& target, std::uint32_t id_shift = 0,
                            UnpackLimits limits = {});

}  // namespace landfall::host
