#include "host/volumes/volumes.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <sstream>

#include "base/log.h"
#include "host/volumes/encryption.h"
#include "host/volumes/images.h"
#include "io/files.h"
#include "io/process.h"

namespace landfall::host {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kHalfMade = ".new";

Result<void> freeze(const fs::path& folder, bool frozen) {
  const io::Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail_errno("open " + folder.string(), errno);
  // EBUSY: frozen already; EINVAL: not frozen.
  if (::ioctl(fd.get(), frozen ? FIFREEZE : FITHAW, 0) < 0 && errno != EBUSY && errno != EINVAL) {
    return fail_errno((frozen ? "freeze " : "thaw ") + folder.string(), errno);
  }
  return {};
}

std::vector<std::string> images_in(const fs::path& folder) {
  std::vector<std::string> out;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    if (entry.path().extension() == ".img") out.push_back(entry.path().stem());
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace

Volumes::Volumes(io::Loop& loop, fs::path root) : loop_(loop), root_(std::move(root)) {}

task<Result<void>> Volumes::recover() {
  for (const char* folder : {"volumes", "snapshots", "mounts", "copies"})
    LF_CO_OK(io::make_directories(root_ / folder, 0700));
  co_await end_copies();
  for (const char* folder : {"volumes", "snapshots", "mounts"}) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(root_ / folder, ignored)) {
      if (entry.path().native().ends_with(kHalfMade)) drop(entry.path());
    }
  }
  for (const std::string& id : list()) {
    if (!mounted(id)) continue;
    if (auto thawed = freeze(mount_point(id), false); !thawed) {
      log::warning("volumes", "volume {}: {}", id, thawed.error().message);
    }
  }
  co_return Result<void>();
}

task<Result<void>> Volumes::format(fs::path image, std::uint64_t size_bytes, VolumeKind kind) {
  LF_CO_OK(grow_file(image, size_bytes));
  io::Command command{
      {"mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1"}};
  const auto add = [&](std::initializer_list<const char*> words) {
    command.argv.insert(command.argv.end(), words.begin(), words.end());
  };
  if (kind.encrypted) add({"-O", "encrypt"});
  if (kind.large_files) add({"-i", "4194304", "-J", "size=64"});
  command.argv.push_back(image);
  auto formatted = co_await io::check_command(loop_, std::move(command));
  if (!formatted) co_return std::unexpected(formatted.error());
  co_return Result<void>();
}

task<Result<void>> Volumes::create(std::string id, std::uint64_t size_bytes, VolumeKind kind) {
  if (exists(id)) co_return Result<void>();
  const fs::path half = image(id).string() + std::string(kHalfMade);
  drop(half);
  Result<void> made = co_await format(half, size_bytes, kind);
  if (made) made = publish(half, image(id));
  if (!made) {
    drop(half);
    co_return std::unexpected(volume_error(made.error()));
  }
  co_return made;
}

task<Result<void>> Volumes::copy(fs::path from, fs::path to, bool clean) {
  const fs::path half = to.string() + std::string(kHalfMade);
  drop(half);
  io::Command command{{"cp", "--sparse=always", "--reflink=auto", from, half}};
  command.timeout = std::chrono::minutes(30);
  auto copied = co_await io::check_command(loop_, std::move(command));
  if (copied && !clean) {
    // After a power cut the journal holds what belongs into the copy. Exit code 1: corrected.
    auto replayed = co_await io::run_command(loop_, {{"e2fsck", "-p", "-E", "journal_only", half}});
    if (!replayed) {
      copied = std::unexpected(replayed.error());
    } else if (replayed->exit_code > 1) {
      copied = fail("volume-failed", "e2fsck: " + replayed->out + replayed->err, 500);
    }
  }
  Result<void> done;
  if (!copied) {
    done = std::unexpected(copied.error());
  } else {
    // publish() syncs a file that may hold gigabytes: not on the loop's thread.
    done = co_await loop_.run_blocking([half, to] { return publish(half, to); });
  }
  if (!done) {
    drop(half);
    co_return std::unexpected(volume_error(done.error()));
  }
  co_return done;
}

task<Result<void>> Volumes::create_from_snapshot(std::string id, std::string snapshot,
                                                 std::uint64_t size_bytes) {
  if (!exists(id)) {
    if (!snapshot_exists(snapshot)) co_return fail("not-found", "no snapshot " + snapshot, 404);
    LF_CO_OK(co_await copy(snapshot_image(snapshot), image(id)));
  }
  co_return co_await grow(std::move(id), size_bytes);
}

task<Result<fs::path>> Volumes::mount(std::string id) {
  const fs::path folder = mount_point(id);
  if (mounted(id)) co_return folder;
  if (!exists(id)) co_return fail("not-found", "no volume " + id, 404);
  LF_CO_OK(io::make_directories(folder, 0700));
  // mount(8) attaches a loop device that goes away with the mount.
  auto done = co_await io::check_command(
      loop_, {{"mount", "-o", "loop,noatime,nosuid,nodev", image(id), folder}});
  if (!done) co_return std::unexpected(volume_error(done.error()));
  co_return folder;
}

task<Result<fs::path>> Volumes::mount_encrypted(std::string id, std::string key) {
  LF_CO_TRY(folder, co_await mount(std::move(id)));
  co_return open_encrypted(folder, key);
}

task<Result<void>> Volumes::unmount(std::string id) {
  if (!mounted(id)) co_return Result<void>();
  LF_CO_OK(freeze(mount_point(id), false));
  auto done = co_await io::check_command(loop_, {{"umount", mount_point(id)}});
  if (!done) co_return std::unexpected(volume_error(done.error()));
  co_return Result<void>();
}

task<Result<void>> Volumes::unmount_all() {
  co_await end_copies();
  std::vector<std::string> ids;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(root_ / "mounts", ignored))
    ids.push_back(entry.path().filename());
  for (const std::string& id : ids) LF_CO_OK(co_await unmount(id));
  co_return Result<void>();
}

task<Result<void>> Volumes::grow(std::string id, std::uint64_t size_bytes) {
  if (!exists(id)) co_return fail("not-found", "no volume " + id, 404);
  if (auto resized = grow_file(image(id), size_bytes); !resized) {
    co_return std::unexpected(volume_error(resized.error()));
  }
  io::Command command{{"resize2fs", image(id)}};
  if (mounted(id)) {
    LF_CO_TRY(device,
              co_await io::check_command(loop_, {{"findmnt", "-no", "SOURCE", mount_point(id)}}));
    const std::string loop_device = device.substr(0, device.find('\n'));
    LF_CO_OK(co_await io::check_command(loop_, {{"losetup", "-c", loop_device}}));
    command.argv = {"resize2fs", loop_device};
  } else {
    // resize2fs insists on a check of a file system that was mounted before.
    auto checked = co_await io::run_command(loop_, {{"e2fsck", "-fp", image(id)}});
    if (!checked) co_return std::unexpected(checked.error());
    if (checked->exit_code > 1) {
      co_return fail("volume-failed",
                     fmt::format("e2fsck of {}: {}{}", id, checked->out, checked->err), 500);
    }
  }
  auto done = co_await io::check_command(loop_, std::move(command));
  if (!done && done.error().message.find("Permission denied") != std::string::npos) {
    co_return fail("needs-unmount", "growing a mounted volume needs CAP_SYS_RESOURCE", 500);
  }
  if (!done) co_return std::unexpected(volume_error(done.error()));
  co_return Result<void>();
}

task<Result<void>> Volumes::remove(std::string id) {
  LF_CO_OK(co_await unmount(id));
  drop(image(id));
  drop(mount_point(id));
  co_return io::sync_directory(root_ / "volumes");
}

task<Result<void>> Volumes::snapshot(std::string id, std::string snapshot) {
  if (snapshot_exists(snapshot)) co_return Result<void>();
  if (!exists(id)) co_return fail("not-found", "no volume " + id, 404);
  const bool freezing = mounted(id);
  // The thaw must happen whatever becomes of the copy, also when this task is stopped.
  struct Thaw {
    fs::path folder;
    bool armed = false;
    ~Thaw() {
      if (armed) (void)freeze(folder, false);
    }
  } thaw{mount_point(id), freezing};
  if (freezing) {
    const fs::path folder = mount_point(id);
    auto frozen = co_await loop_.run_blocking([folder] { return freeze(folder, true); });
    if (!frozen) co_return std::unexpected(volume_error(frozen.error()));
    // What the loop device holds in memory must reach the file that is copied.
    if (auto synced = sync_file(image(id)); !synced)
      co_return std::unexpected(volume_error(synced.error()));
  }
  co_return co_await copy(image(id), snapshot_image(snapshot), freezing);
}

task<Result<void>> Volumes::remove_snapshot(std::string snapshot) {
  drop(snapshot_image(snapshot));
  co_return io::sync_directory(root_ / "snapshots");
}

task<Result<void>> Volumes::copy_snapshot(std::string from, std::string to) {
  if (snapshot_exists(to)) co_return Result<void>();
  if (!snapshot_exists(from)) co_return fail("not-found", "no snapshot " + from, 404);
  co_return co_await copy(snapshot_image(from), snapshot_image(to));
}

bool Volumes::exists(const std::string& id) const {
  std::error_code ignored;
  return fs::exists(image(id), ignored);
}

bool Volumes::snapshot_exists(const std::string& snapshot) const {
  std::error_code ignored;
  return fs::exists(snapshot_image(snapshot), ignored);
}

bool Volumes::mounted(const std::string& id) const {
  struct stat folder{}, parent{};
  return ::stat(mount_point(id).c_str(), &folder) == 0 &&
         ::stat((root_ / "mounts").c_str(), &parent) == 0 && folder.st_dev != parent.st_dev;
}

bool Volumes::unlocked(const std::string& id) const {
  return mounted(id) && is_unlocked(mount_point(id));
}

std::uint64_t Volumes::size_bytes(const std::string& id) const {
  std::error_code error;
  const std::uint64_t size = fs::file_size(image(id), error);
  return error ? 0 : size;
}

Result<VolumeUsage> Volumes::usage(const std::string& id) const {
  struct statvfs found{};
  if (!mounted(id)) return fail("not-mounted", fmt::format("volume {} is not mounted", id), 500);
  if (::statvfs(mount_point(id).c_str(), &found) < 0) return fail_errno("statvfs " + id, errno);
  return VolumeUsage{found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize};
}

Result<VolumeTraffic> Volumes::traffic(const std::string& id) const {
  struct stat found{};
  if (!mounted(id) || ::stat(mount_point(id).c_str(), &found) < 0)
    return fail("not-mounted", fmt::format("volume {} is not mounted", id), 500);
  // https://docs.kernel.org/block/stat.html; sectors there have 512 bytes on every device.
  LF_TRY(text, io::read_file(fmt::format("/sys/dev/block/{}:{}/stat", major(found.st_dev),
                                         minor(found.st_dev))));
  std::array<std::uint64_t, 11> fields{};
  std::istringstream words(text);
  for (std::uint64_t& field : fields) words >> field;
  return VolumeTraffic{.reads = fields[0],
                       .read_bytes = fields[2] * 512,
                       .read_ms = fields[3],
                       .writes = fields[4],
                       .written_bytes = fields[6] * 512,
                       .write_ms = fields[7],
                       .queue_ms = fields[10]};
}

std::vector<std::string> Volumes::list() const { return images_in(root_ / "volumes"); }
std::vector<std::string> Volumes::list_snapshots() const { return images_in(root_ / "snapshots"); }

}  // namespace landfall::host
