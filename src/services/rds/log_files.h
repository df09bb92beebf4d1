// The log files that an instance's server has written, on its volume.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace landfall::rds {

struct LogFile {
  std::string name;  // "postgresql.log.2026-11-21-15"
  std::uint64_t size_bytes = 0;
  TimePoint written_at{};
};

// In the order of their names, which is that of time. Anything else in the folder is left out.
std::vector<LogFile> list_log_files(const std::filesystem::path& folder);

// Which hour a file is of, counted since 1970; none: not one of ours.
std::optional<std::int64_t> log_file_hour(std::string_view name);

struct LogPortion {
  std::string text;
  std::uint64_t next_offset = 0;
  bool more = false;
};
inline constexpr std::size_t kMostPortionBytes = 1 << 20;
inline constexpr std::size_t kMostPortionLines = 10'000;

// Whole lines from `offset`, or, without one, the last of the file; a line that the limits cut, or
// that has not ended yet, comes as it is. Error errno-*.
Result<LogPortion> read_log_portion(const std::filesystem::path& file,
                                    std::optional<std::uint64_t> offset, std::size_t lines);

void remove_old_log_files(const std::filesystem::path& folder, TimePoint before);

}  // namespace landfall::rds
