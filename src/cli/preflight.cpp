#include "cli/preflight.h"

#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "io/files.h"

namespace landfall::cli {
namespace {

namespace fs = std::filesystem;

struct Program {
  std::string_view name;
  std::string_view package;  // Debian's
  std::string_view purpose;
};

constexpr Program kPrograms[] = {
    {"runc", "runc", "starts containers"},        {"conmon", "conmon", "keeps containers running"},
    {"nft", "nftables", "makes security groups"}, {"mkfs.ext4", "e2fsprogs", "makes volumes"},
    {"losetup", "mount", "attaches volumes"},
};

constexpr std::uint64_t kLowDiskBytes = 1ULL << 30;

bool in_path(std::string_view program, std::string_view path) {
  while (!path.empty()) {
    const std::size_t colon = std::min(path.find(':'), path.size());
    const fs::path file = fs::path(path.substr(0, colon)) / program;
    if (::access(file.c_str(), X_OK) == 0) return true;
    path.remove_prefix(std::min(colon + 1, path.size()));
  }
  return false;
}

bool has_file_system(const fs::path& proc, std::string_view name) {
  const auto text = io::read_file(proc / "filesystems");
  return !text || text->contains(fmt::format("\t{}\n", name));
}

}  // namespace

std::vector<std::string> missing_requirements(const std::string& path, const fs::path& proc) {
  std::vector<std::string> missing;
  for (const Program& program : kPrograms) {
    if (in_path(program.name, path) || in_path(program.name, "/usr/sbin:/sbin")) continue;
    missing.push_back(fmt::format("the program {} is missing ({}): apt-get install {}",
                                  program.name, program.purpose, program.package));
  }
  for (const auto& [file, feature] :
       {std::pair("self/ns/net", "network namespaces (CONFIG_NET_NS)"),
        std::pair("self/ns/user", "user namespaces (CONFIG_USER_NS)"),
        std::pair("self/ns/pid", "process namespaces (CONFIG_PID_NS)")}) {
    if (!fs::exists(proc / file)) missing.push_back(fmt::format("the kernel lacks {}", feature));
  }
  // Loaded on demand where it is a module: only said when nothing can load it.
  if (!has_file_system(proc, "overlay") && !fs::exists("/lib/modules")) {
    missing.emplace_back("the kernel lacks overlayfs (CONFIG_OVERLAY_FS)");
  }
  return missing;
}

std::string disk_warning(const fs::path& data_dir) {
  struct statvfs info{};
  if (::statvfs(data_dir.c_str(), &info) != 0) return {};
  const std::uint64_t free_bytes = std::uint64_t(info.f_bavail) * info.f_frsize;
  if (free_bytes >= kLowDiskBytes) return {};
  return fmt::format("only {} MiB are free on the disk of {}; writes fail when it is full",
                     free_bytes >> 20, data_dir.string());
}

}  // namespace landfall::cli
