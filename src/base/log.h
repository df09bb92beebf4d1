// The program's own log: one line an event on standard error, "time level area message key=value".
#pragma once

#include <fmt/format.h>

#include <string_view>

namespace landfall::log {

enum class Level { debug, info, warning, error };

void set_level(Level least);
bool enabled(Level level);
void write(Level level, std::string_view area, std::string_view message);

template <class... Args>
void debug(std::string_view area, fmt::format_string<Args...> text, Args&&... args) {
  if (enabled(Level::debug))
    write(Level::debug, area, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void info(std::string_view area, fmt::format_string<Args...> text, Args&&... args) {
  if (enabled(Level::info))
    write(Level::info, area, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void warning(std::string_view area, fmt::format_string<Args...> text, Args&&... args) {
  if (enabled(Level::warning))
    write(Level::warning, area, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void error(std::string_view area, fmt::format_string<Args...> text, Args&&... args) {
  if (enabled(Level::error))
    write(Level::error, area, fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace landfall::log
