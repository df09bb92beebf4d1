#include "host/volumes/images.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/files.h"

namespace landfall::host {
namespace fs = std::filesystem;

Error volume_error(const Error& error) {
  const bool full = error.code == "errno-ENOSPC" || error.code == "errno-EDQUOT" ||
                    error.message.find("No space left on device") != std::string::npos;
  if (full) return {"disk-full", error.message, 500};
  if (error.code == "program-missing" || error.code == "not-found") return error;
  return {"volume-failed", error.message, 500};
}

Result<void> sync_file(const fs::path& path) {
  const io::Fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) < 0) return fail_errno("sync " + path.string(), errno);
  return {};
}

Result<void> grow_file(const fs::path& path, std::uint64_t size_bytes) {
  const io::Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return fail_errno("open " + path.string(), errno);
  struct stat now{};
  if (::fstat(fd.get(), &now) < 0) return fail_errno("stat " + path.string(), errno);
  if (std::uint64_t(now.st_size) >= size_bytes) return {};
  if (::ftruncate(fd.get(), off_t(size_bytes)) < 0)
    return fail_errno("resize " + path.string(), errno);
  if (::fsync(fd.get()) < 0) return fail_errno("sync " + path.string(), errno);
  return {};
}

Result<void> publish(const fs::path& from, const fs::path& to) {
  LF_OK(sync_file(from));
  if (::rename(from.c_str(), to.c_str()) < 0) return fail_errno("rename to " + to.string(), errno);
  return io::sync_directory(to.parent_path());
}

void drop(const fs::path& path) {
  std::error_code ignored;
  fs::remove(path, ignored);
}

}  // namespace landfall::host
