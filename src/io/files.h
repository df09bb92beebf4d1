// Files as the stores need them: whole, durable, and replaceable by a fault-injecting double in
// tests. All calls block; call them through Loop::run_blocking where they may take long.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace landfall::io {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset();

 private:
  int fd_ = -1;
};

Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit = 64 << 20);
// Atomic and durable: temporary file, fsync, rename, fsync of the folder.
Result<void> write_file(const std::filesystem::path& path, std::string_view bytes,
                        unsigned mode = 0644);
Result<void> make_directories(const std::filesystem::path& path, unsigned mode = 0755);
// Removes a tree; absent is success.
Result<void> remove_tree(const std::filesystem::path& path);
Result<void> sync_directory(const std::filesystem::path& path);

// An exclusive lock held while the object lives; "locked" when another process has it.
Result<Fd> lock_file(const std::filesystem::path& path);

}  // namespace landfall::io
