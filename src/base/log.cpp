#include "base/log.h"

#include <unistd.h>

#include "base/clock.h"

namespace landfall::log {
namespace {

std::atomic<Level> least_level{Level::info};

std::string_view name(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warning:
      return "warning";
    case Level::error:
      return "error";
  }
  return "?";
}

}  // namespace

void set_level(Level least) { least_level = least; }

bool enabled(Level level) { return level >= least_level.load(std::memory_order_relaxed); }

void write(Level level, std::string_view area, std::string_view message) {
  std::string line =
      fmt::format("{} {:7} {:10} ", format_iso8601(SystemClock().now(), true), name(level), area);
  // A message may quote outside bytes: keep one event on one line.
  for (char c : message) line += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  line += '\n';
  // One write per line, so lines of different threads do not mix. Nothing useful can be done if it
  // fails.
  [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace landfall::log
