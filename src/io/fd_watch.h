// Waits until a file descriptor can be read: pipes, pidfds, inotify.
#pragma once

#include <memory>

#include "io/files.h"
#include "io/loop.h"

namespace landfall::io {

class FdWatch {
 public:
  FdWatch(Loop& loop, Fd fd);
  FdWatch(FdWatch&&) noexcept;
  ~FdWatch();
  int get() const;
  // Resumes when a read would not block: data, end of file or an error. One waiter at a time.
  // Throws Cancelled when stopped.
  task<void> readable();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Everything up to the first line break or the end of file, at most `limit` bytes. What follows the
// line break in the same read is dropped.
task<Result<std::string>> read_line(FdWatch& from, std::size_t limit);

}  // namespace landfall::io
