#include "host/volumes/scratch_disks.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <set>

#include "host/volumes/images.h"
#include "io/files.h"
#include "io/process.h"

namespace landfall::host {
namespace fs = std::filesystem;
namespace {

constexpr const char* kImage = ".img";

fs::path image(const fs::path& root, const std::string& id) { return root / (id + kImage); }

bool is_mount_point(const fs::path& folder) {
  struct stat here{}, parent{};
  return ::stat(folder.c_str(), &here) == 0 && ::stat(folder.parent_path().c_str(), &parent) == 0 &&
         here.st_dev != parent.st_dev;
}

Result<void> begin(const fs::path& root, const std::string& id, std::uint64_t size_bytes) {
  LF_OK(io::make_directories(root / id, 0700));
  drop(image(root, id));
  const io::Fd fd(::open(image(root, id).c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return fail_errno("make " + image(root, id).string(), errno);
  if (::ftruncate(fd.get(), off_t(size_bytes)) < 0)
    return fail_errno("resize " + image(root, id).string(), errno);
  return {};
}

Result<void> end(const fs::path& root, const std::string& id) {
  while (is_mount_point(root / id)) {
    if (::umount2((root / id).c_str(), 0) < 0)
      return fail_errno("unmount " + (root / id).string(), errno);
  }
  drop(image(root, id));
  drop(root / id);
  return {};
}

}  // namespace

bool ScratchDisks::mounted(const std::string& id) const { return is_mount_point(folder(id)); }

task<Result<fs::path>> ScratchDisks::make(std::string id, std::uint64_t size_bytes) {
  if (mounted(id)) co_return folder(id);
  auto begun = co_await loop_.run_blocking(
      [root = root_, id, size_bytes] { return begin(root, id, size_bytes); });
  if (!begun) co_return std::unexpected(volume_error(begun.error()));
  // A small file's worth of inodes each 32 KiB; their tables are holes of the file as long as
  // nobody needs them, and so must not be zeroed in the background either (noinit_itable).
  auto formatted = co_await io::check_command(
      loop_,
      {{"mkfs.ext4", "-q", "-F", "-m", "0", "-i", "32768", "-O", "^has_journal,^resize_inode", "-E",
        "lazy_itable_init=1,nodiscard", image(root_, id)}});
  if (!formatted) co_return std::unexpected(volume_error(formatted.error()));
  // mount(8) attaches a loop device that goes away with the mount.
  auto done = co_await io::check_command(
      loop_,
      {{"mount", "-o", "loop,noatime,nosuid,nodev,noinit_itable", image(root_, id), folder(id)}});
  if (!done) co_return std::unexpected(volume_error(done.error()));
  co_return folder(id);
}

task<Result<void>> ScratchDisks::remove(std::string id) {
  // Freeing a large file takes its time.
  auto done = co_await loop_.run_blocking([root = root_, id] { return end(root, id); });
  if (!done) co_return std::unexpected(volume_error(done.error()));
  co_return done;
}

Result<DiskUsage> ScratchDisks::usage(const std::string& id) const {
  struct statvfs found{};
  if (!mounted(id)) return fail("not-mounted", fmt::format("disk {} is not mounted", id), 500);
  if (::statvfs(folder(id).c_str(), &found) < 0) return fail_errno("statvfs " + id, errno);
  return DiskUsage{found.f_blocks * found.f_frsize,
                   (found.f_blocks - found.f_bfree) * found.f_frsize};
}

std::vector<std::string> ScratchDisks::list() const {
  std::set<std::string> out;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(root_, ignored))
    out.insert(entry.path().extension() == kImage ? entry.path().stem() : entry.path().filename());
  return {out.begin(), out.end()};
}

}  // namespace landfall::host
