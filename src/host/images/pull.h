// Images of other registries, fetched by skopeo into the blob store.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "host/images/blob_store.h"
#include "io/loop.h"

namespace landfall::host {

struct PulledImage {
  Digest digest;  // of this machine's manifest
  // Everything the image consists of. Hold them until the reference to the image is recorded.
  std::vector<BlobPin> blobs;
};

// `reference`: "nginx", "public.ecr.aws/nginx/nginx:1.27", "HOST:PORT/NAME@sha256:...". Errors,
// with a message that says what to do: "registry-unreachable", "image-not-found", "access-denied",
// "architecture-mismatch", "invalid-reference", "program-missing", "disk-full", "timeout",
// "pull-failed" (what skopeo said).
task<Result<PulledImage>> pull_image(io::Loop& loop, BlobStore& blobs,
                                     std::filesystem::path scratch, std::string reference,
                                     Millis timeout = std::chrono::minutes(10));

// The same from any of skopeo's sources ("oci:FOLDER", "dir:FOLDER").
task<Result<PulledImage>> import_image(io::Loop& loop, BlobStore& blobs,
                                       std::filesystem::path scratch, std::string source,
                                       Millis timeout);

// Which images were pulled, so that their blobs are kept and a task's restart needs no network.
class PulledImages {
 public:
  PulledImages(io::Loop& loop, BlobStore& blobs, std::filesystem::path folder)
      : loop_(loop), blobs_(blobs), folder_(std::move(folder)) {}
  // Reads what was pulled before.
  Result<void> open();
  // Asks the registry, as a new deployment does; what it then cannot reach, but was pulled before,
  // is served from here. Gives the manifest's digest. Errors as pull_image.
  task<Result<std::string>> resolve(std::string reference);
  // For BlobStore::sweep.
  bool refers_to(const Digest& digest) const;

  struct Record {
    std::map<std::string, std::vector<std::string>>
        images;  // reference -> manifest, then its blobs
  };

 private:
  io::Loop& loop_;
  BlobStore& blobs_;
  std::filesystem::path folder_;
  Record record_;
  std::uint64_t counter_ = 0;
};

}  // namespace landfall::host
