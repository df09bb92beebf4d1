#include "host/hosts_file/hosts_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "io/files.h"

namespace landfall::host {
namespace {

constexpr auto kPatience = std::chrono::seconds(1);

// The lock is on a file of its own: /etc/hosts itself is replaced.
Result<io::Fd> take_lock(const std::filesystem::path& path) {
  const std::string lock_path = "/run/landfall-hosts.lock";
  io::Fd file(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return fail_errno("open " + lock_path, errno);
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return fail_errno("lock " + lock_path, errno);
    if (std::chrono::steady_clock::now() > deadline) {
      return fail("locked", fmt::format("another process is changing {}", path.string()), 500);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return file;
}

Result<void> write_in_place(const std::filesystem::path& path, const std::string& text) {
  const io::Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) return fail_errno("open " + path.string(), errno);
  std::string_view rest = text;
  off_t at = 0;
  while (!rest.empty()) {
    const ssize_t count = ::pwrite(file.get(), rest.data(), rest.size(), at);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno("write " + path.string(), errno);
    rest.remove_prefix(static_cast<std::size_t>(count));
    at += count;
  }
  // Cut last: until here a reader sees at worst old lines behind the new ones.
  if (::ftruncate(file.get(), at) != 0) return fail_errno("cut " + path.string(), errno);
  if (::fsync(file.get()) != 0) return fail_errno("sync " + path.string(), errno);
  return {};
}

bool is_mount_point(const std::filesystem::path& path) {
  struct stat own{}, folder{};
  if (::stat(path.c_str(), &own) != 0 || ::stat(path.parent_path().c_str(), &folder) != 0)
    return false;
  if (own.st_dev != folder.st_dev) return true;
  // A bind mount from the same file system shows only in the table of mounts.
  const auto mounts = io::read_file("/proc/self/mountinfo");
  return mounts && mounts->find(fmt::format(" {} ", path.string())) != std::string::npos;
}

}  // namespace

std::string with_block(std::string_view text, std::string_view tag, const HostNames& names) {
  const std::string begin = fmt::format("# landfall {} begin", tag);
  const std::string end = fmt::format("# landfall {} end", tag);
  std::string out;
  bool inside = false;
  std::string held;  // lines of a block whose end has not come yet
  while (!text.empty()) {
    const auto size = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::string_view line = text.substr(0, size);
    text.remove_prefix(size);
    if (!inside && line.starts_with(begin)) {
      inside = true;
      held.clear();
    } else if (inside && line.starts_with(end)) {
      inside = false;
    } else {
      (inside ? held : out) += line;
    }
  }
  // Without its end the block is somebody's half-edited file: the lines after the mark are theirs.
  if (inside) out += held;
  if (names.empty()) return out;
  if (!out.empty() && !out.ends_with('\n')) out += '\n';
  out += begin + " (written by landfall; changes here are lost)\n";
  for (const auto& [name, address] : names) out += fmt::format("{} {}\n", address.str(), name);
  return out + end + "\n";
}

Result<void> update_hosts_file(const std::filesystem::path& path, std::string_view tag,
                               const HostNames& names) {
  const auto lock = take_lock(path);
  if (!lock) return std::unexpected(lock.error());
  std::error_code missing;
  // A symbolic link (NixOS, some containers) stays one.
  const auto real = std::filesystem::weakly_canonical(path, missing);
  std::string before;
  if (std::filesystem::exists(real)) {
    LF_TRY(text, io::read_file(real));
    before = std::move(text);
  }
  const std::string after = with_block(before, tag, names);
  if (after == before) return {};
  if (is_mount_point(real)) return write_in_place(real, after);
  struct stat info{};
  const unsigned mode = ::stat(real.c_str(), &info) == 0 ? info.st_mode & 07777 : 0644;
  return io::write_file(real, after, mode);
}

}  // namespace landfall::host
