#include "io/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace landfall::io {
namespace fs = std::filesystem;

Fd& Fd::operator=(Fd&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}
Fd::~Fd() { reset(); }
void Fd::reset() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Result<std::string> read_file(const fs::path& path, std::size_t limit) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno("open " + path.string(), errno);
  std::string out;
  char buffer[64 << 10];
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read " + path.string(), errno);
    if (got == 0) return out;
    if (out.size() + std::size_t(got) > limit) {
      return fail("file-too-large",
                  fmt::format("{} is larger than {} bytes", path.string(), limit));
    }
    out.append(buffer, std::size_t(got));
  }
}

Result<void> sync_directory(const fs::path& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) < 0) return fail_errno("sync " + path.string(), errno);
  return {};
}

namespace {

Result<void> write_and_sync(const Fd& fd, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd.get(), bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail_errno("write " + path.string(), errno);
    bytes.remove_prefix(std::size_t(put));
  }
  if (::fsync(fd.get()) < 0) return fail_errno("sync " + path.string(), errno);
  return {};
}

}  // namespace

Result<void> write_file(const fs::path& path, std::string_view bytes, unsigned mode) {
  std::string temporary = path.string() + ".XXXXXX";
  const Fd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) return fail_errno("create " + temporary, errno);
  Result<void> done = write_and_sync(fd, bytes, temporary);
  if (done && ::fchmod(fd.get(), mode) < 0) done = fail_errno("chmod " + temporary, errno);
  if (done && ::rename(temporary.c_str(), path.c_str()) < 0) {
    done = fail_errno("rename to " + path.string(), errno);
  }
  if (!done) {
    ::unlink(temporary.c_str());
    return done;
  }
  return sync_directory(path.has_parent_path() ? path.parent_path() : ".");
}

Result<void> make_directories(const fs::path& path, unsigned mode) {
  std::error_code error;
  if (fs::is_directory(path, error)) return {};
  if (path.has_parent_path() && path.parent_path() != path) {
    LF_OK(make_directories(path.parent_path(), mode));
  }
  if (::mkdir(path.c_str(), mode) < 0 && errno != EEXIST) {
    return fail_errno("create folder " + path.string(), errno);
  }
  return {};
}

Result<void> remove_tree(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) return fail_errno("remove " + path.string(), error.value());
  return {};
}

Result<Fd> lock_file(const fs::path& path) {
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return fail_errno("open " + path.string(), errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) < 0) {
    if (errno == EWOULDBLOCK) {
      return fail("locked", fmt::format("{} is locked by another process", path.string()));
    }
    return fail_errno("lock " + path.string(), errno);
  }
  return fd;
}

}  // namespace landfall::io
