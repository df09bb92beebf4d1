#include "host/images/images.h"

namespace landfall::host {
namespace {

Error missing(const Digest& digest, std::string_view what) {
  return Error{"image-not-found",
               fmt::format("the image's {} {} is not in the registry", what, digest.str()), 404};
}

task<void> ensure_layer(LayerStore& layers, Digest diff_id, std::filesystem::path archive,
                        [[maybe_unused]] BlobPin kept, Result<LayerPin>& out) {
  out = co_await layers.ensure(diff_id, archive);
}

}  // namespace

task<Result<std::string>> Images::read(Digest digest, const char* what) {
  auto bytes = co_await blobs_.read(digest);
  if (!bytes && bytes.error().code == "blob-unknown")
    co_return std::unexpected(missing(digest, what));
  co_return bytes;
}

task<Result<PreparedImage>> Images::prepare(std::string name) {
  auto parsed_name = Digest::parse(name);
  if (!parsed_name) {
    co_return fail("image-not-found", fmt::format("'{}' is not an image digest", name), 404);
  }
  Digest digest = *parsed_name;
  const std::string machine = machine_architecture();
  BlobPin index_pin = blobs_.pin(digest);
  LF_CO_TRY(bytes, co_await read(digest, "manifest"));
  LF_CO_TRY(manifest, parse_manifest(bytes));
  if (manifest.index) {
    LF_CO_TRY(selected, select_platform(*manifest.index, machine));
    digest = selected;
    LF_CO_TRY(platform_bytes, co_await read(digest, "manifest"));
    LF_CO_TRY(platform, parse_manifest(platform_bytes));
    manifest = platform;
    if (!manifest.image) co_return fail("image-invalid", "the image's index refers to an index");
  }
  const BlobPin manifest_pin = blobs_.pin(digest);
  const BlobPin config_pin = blobs_.pin(manifest.image->config);
  LF_CO_TRY(config_bytes, co_await read(manifest.image->config, "configuration"));
  LF_CO_TRY(config, parse_image_config(config_bytes));
  if (!config.architecture.empty() && config.architecture != machine) {
    co_return fail(
        "architecture-mismatch",
        fmt::format("the image is built for {}/{}, but this machine needs linux/{}",
                    config.os.empty() ? "linux" : config.os, config.architecture, machine));
  }
  if (!config.os.empty() && config.os != "linux") {
    co_return fail("architecture-mismatch",
                   fmt::format("the image is built for {}, but this machine needs linux/{}",
                               config.os, machine));
  }
  const std::vector<LayerReference>& layers = manifest.image->layers;
  if (layers.size() != config.diff_ids.size()) {
    co_return fail("image-invalid", fmt::format("the image is invalid: {} layers, but {} diff ids",
                                                layers.size(), config.diff_ids.size()));
  }
  if (layers.empty()) co_return fail("image-invalid", "the image is invalid: it has no layers");

  std::vector<Result<LayerPin>> results(layers.size());
  io::TaskScope scope(loop_);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    std::error_code ignored;
    const std::filesystem::path ready = layers_.path(layers_.name(config.diff_ids[i]));
    // The compressed blob of a layer that is unpacked already may be gone.
    if (!blobs_.size(layers[i].digest) && !std::filesystem::exists(ready, ignored)) {
      results[i] = std::unexpected(missing(layers[i].digest, "layer"));
      continue;
    }
    scope.spawn("unpack layer",
                ensure_layer(layers_, config.diff_ids[i], blobs_.path(layers[i].digest),
                             blobs_.pin(layers[i].digest), results[i]));
  }
  co_await scope.join();
  PreparedImage out{digest, config, {}};
  for (auto& result : results) {
    if (!result) co_return std::unexpected(std::move(result).error());
    out.layers.push_back(std::move(*result));
  }
  co_return out;
}

}  // namespace landfall::host
