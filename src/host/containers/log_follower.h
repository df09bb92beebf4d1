// Follows what a container writes, from conmon's log file (k8s-file format):
//   2026-11-21T10:11:38.103604540+00:00 stdout F text
// P in the place of F marks a piece of a line that goes on in the stream's next record.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "io/fd_watch.h"
#include "io/loop.h"

namespace landfall::host {

struct LogLine {
  std::int64_t time_ns = 0;  // since 1970: when the line's first piece was written
  bool error_stream = false;
  std::string text;  // without the line break; bytes as the program wrote them
  // Where to follow from after this line. A line that the other stream has begun but not ended lies
  // behind it, so that after a crash lines may come twice, but none is lost.
  std::uint64_t next_offset = 0;
};

class LogFollower {
 public:
  static constexpr std::size_t kLongestLine = 256
                                              << 10;  // what is longer comes in pieces of this size

  // Error errno-* when the folder of `path` cannot be watched. The file may come later.
  static Result<LogFollower> open(io::Loop& loop, std::filesystem::path path,
                                  std::uint64_t offset = 0);
  LogFollower(LogFollower&&) noexcept;
  ~LogFollower();

  // The next lines, at least one and about 256 KiB at most; waits for them. None: finished, and
  // everything has been delivered. Throws Cancelled when stopped.
  task<Result<std::vector<LogLine>>> next();
  // Nothing more will be written: the container has exited.
  void finish();
  // Lines before `offset` are stored elsewhere: their disk space is given back. Offsets stay as
  // they are.
  void discard_until(std::uint64_t offset);

 private:
  struct Impl;
  explicit LogFollower(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// When the file takes more than `most` bytes of disk, gives back all but the last `kept`. Blocks.
void trim_log(const std::filesystem::path& path, std::uint64_t most, std::uint64_t kept);

// Pieces to lines. Separate for tests and fuzzing.
class LogLineParser {
 public:
  explicit LogLineParser(std::uint64_t offset) : offset_(offset) {}
  // Takes file contents in order; gives the lines completed by them.
  void feed(std::string_view bytes, std::vector<LogLine>& out);
  // What is begun and will not go on.
  void finish(std::vector<LogLine>& out);

 private:
  struct Pending {
    std::string text;
    std::int64_t time_ns = 0;
    std::uint64_t begins_at = 0;
    bool open = false;
  };
  void record(std::string_view line, std::uint64_t begins_at, std::uint64_t ends_at,
              std::vector<LogLine>& out);
  void deliver(int stream, std::uint64_t ends_at, std::vector<LogLine>& out);

  std::uint64_t offset_;  // of the next byte fed
  std::string rest_;      // a record not complete yet
  std::int64_t last_time_ns_ = 0;
  std::array<Pending, 2> pending_;  // stdout, stderr
};

}  // namespace landfall::host
