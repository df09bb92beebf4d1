// Everything of a container that exists before its first process: mounts, files and the runtime's
// configuration.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "host/containers/containers.h"
#include "host/containers/mount.h"
#include "host/containers/oci_config.h"
#include "host/images/manifest.h"

namespace landfall::host {

// Where a container lives: what must survive a reboot in the data folder, the rest below /run.
struct ContainerPaths {
  std::filesystem::path data;             // DATA/containers/<id>
  std::filesystem::path run;              // /run/landfall-<tag>/containers/<id>
  std::filesystem::path writable = data;  // holds what the container writes above its image
  std::filesystem::path meta() const { return data / "meta.json"; }
  std::filesystem::path log() const { return data / "log"; }
  std::filesystem::path exits() const { return data / "exit"; }
  std::filesystem::path upper() const { return writable / "upper"; }
  std::filesystem::path work() const { return writable / "work"; }
  std::filesystem::path root() const { return run / "root"; }
  std::filesystem::path sys() const { return run / "sys"; }
};

struct BundleInput {
  ContainerSpec spec;
  ImageConfig image;
  std::vector<std::filesystem::path> layers;  // lowest first
  IdRange range;
  bool map_ids = true;  // false: the layers' owners on disk are the range's already
  std::string cgroup_path;
  bool limit_swap = false;
  ContainerPaths paths;
};

struct Bundle {
  std::string stop_signal;
};

// Blocks. May be repeated after unmount_below(paths.run). Errors: as Containers::create gives them.
Result<Bundle> prepare_bundle(const BundleInput& input);

}  // namespace landfall::host
