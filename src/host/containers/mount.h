// Mounts as containers need them: id-mapped clones, overlays, sysfs of another network namespace.
//
// An id-mapped mount shows files of user n as files of user n of a container's range, so that
// containers with different ranges share the same unpacked layers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "io/files.h"

namespace landfall::host {

// Container ids 0..size-1 are host ids first..first+size-1.
struct IdRange {
  std::uint32_t first = 0;
  std::uint32_t size = 65536;
};

// A user namespace with that mapping; nothing runs in it.
Result<io::Fd> make_user_namespace(IdRange range);

// A mount of `source` (folder or file) attached nowhere. With a user namespace its ids are mapped.
// Error "kernel-feature-missing" when the kernel or the file system cannot map ids.
Result<io::Fd> clone_mount(const std::filesystem::path& source, const io::Fd* user_namespace,
                           bool read_only);

// Attaches to `target`, which is made when missing (a folder, or a file when the mount is of one).
Result<void> attach_mount(const io::Fd& mount, const std::filesystem::path& target);

struct Overlay {
  std::vector<std::filesystem::path> layers;  // lowest first; at least one
  const io::Fd* user_namespace = nullptr;     // maps the layers
  std::filesystem::path upper, work;          // on one file system
  std::filesystem::path target;
  std::filesystem::path
      staging;                 // short path of a folder for mounts that exist only during the call
  bool attach_layers = false;  // as kernels before 6.13 need it; tried by itself where necessary
};
Result<void> mount_overlay(const Overlay& overlay);

// /sys of a network namespace, read only.
Result<void> mount_sysfs(const std::string& network_namespace, const std::filesystem::path& target);

// Opens ports below 1024 and ICMP sockets to everybody in a network namespace: the container's root
// has no rights over a namespace it did not make. `sysctls`: further ones,
// "net.ipv4.tcp_keepalive_time".
Result<void> set_network_sysctls(const std::string& network_namespace,
                                 const std::map<std::string, std::string>& sysctls);

// Unmounts everything at or below `path`, topmost first; absent is success.
Result<void> unmount_below(const std::filesystem::path& path);
std::vector<std::filesystem::path> mounts_below(const std::filesystem::path& path);

}  // namespace landfall::host
