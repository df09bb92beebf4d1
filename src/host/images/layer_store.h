// Layers unpacked once and shared by every container: ROOT/<diff id>, there whole and durable or
// not at all.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "host/images/digest.h"
#include "io/loop.h"

namespace landfall::host {

// Keeps a layer from being swept while it lives: hold it from ensure() until the container that
// uses it is recorded.
using LayerPin = std::shared_ptr<const std::string>;

class LayerStore {
 public:
  // id_shift: added to every owner on disk, where the kernel cannot map ids at mount time; 0
  // otherwise.
  LayerStore(io::Loop& loop, std::filesystem::path root, std::uint32_t id_shift = 0)
      : loop_(loop), root_(std::move(root)), id_shift_(id_shift), changed_(loop) {}

  // Makes the folder and removes what a crash left half unpacked.
  Result<void> open();
  // Unpacks unless it is there; callers of the same layer share one run. The bytes must have the
  // digest `diff_id`. Errors: "image-invalid", "disk-full", errno-*. Failure leaves nothing behind.
  task<Result<LayerPin>> ensure(Digest diff_id, std::filesystem::path archive);
  // A layer's name, as containers record it.
  std::string name(const Digest& diff_id) const;
  std::filesystem::path path(const std::string& name) const { return root_ / name; }

  // Removes layers that nobody pins and that `in_use` (names) does not list. Gives how many.
  task<Result<std::size_t>> sweep(std::set<std::string> in_use);

 private:
  LayerPin pin(const std::string& name);
  bool pinned(const std::string& name) const;

  io::Loop& loop_;
  std::filesystem::path root_;
  std::uint32_t id_shift_;
  io::Event changed_;
  std::set<std::string> unpacking_;
  std::map<std::string, std::weak_ptr<const std::string>> pins_;
  std::uint64_t counter_ = 0;
};

}  // namespace landfall::host
