// Images: from a manifest in the blob store to unpacked layers and a configuration.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "host/images/blob_store.h"
#include "host/images/layer_store.h"
#include "host/images/manifest.h"

namespace landfall::host {

struct PreparedImage {
  Digest manifest;  // of this machine's platform
  ImageConfig config;
  std::vector<LayerPin> layers;  // lowest first; see LayerStore::path
};

class Images {
 public:
  Images(io::Loop& loop, BlobStore& blobs, LayerStore& layers)
      : loop_(loop), blobs_(blobs), layers_(layers) {}

  // `digest` names a manifest or an index in the blob store. Errors:
  //   "image-not-found"        there is no such manifest, or one of its blobs is missing (named)
  //   "image-invalid", "disk-full"
  //   "architecture-mismatch"  names the image's platforms and this machine's
  task<Result<PreparedImage>> prepare(std::string digest);

  LayerStore& layers() { return layers_; }

 private:
  task<Result<std::string>> read(Digest digest, const char* what);

  io::Loop& loop_;
  BlobStore& blobs_;
  LayerStore& layers_;
};

}  // namespace landfall::host
