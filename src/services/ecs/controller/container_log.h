// conmon's log files: "2026-11-21T10:11:38.103604540+00:00 stdout F text", one line a line; P
// instead of F marks a part of a longer line.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/clock.h"

namespace landfall::ecs {

struct OutputLine {
  TimePoint time{};
  std::string text;
};

struct ParsedLog {
  std::vector<OutputLine> lines;
  // How many of the bytes and of the lines come before the first line whose end is missing: where
  // reading may go on after a restart.
  std::size_t whole_bytes = 0;
  std::size_t whole_lines = 0;
};

// Bytes from the beginning of a line. With at_end, lines whose end is missing are given too.
ParsedLog parse_log(std::string_view bytes, bool at_end);

// The last lines of a log, at most `count`, each cut to 500 bytes. Empty when it cannot be read.
std::vector<std::string> last_lines(const std::string& log_path, std::size_t count);

}  // namespace landfall::ecs
