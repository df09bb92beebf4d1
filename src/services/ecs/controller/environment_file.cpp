#include "services/ecs/controller/environment_file.h"

namespace landfall::ecs {

std::map<std::string, std::string> parse_environment_file(std::string_view text) {
  std::map<std::string, std::string> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::size_t equals = line.find('=');
    if (line.starts_with('#') || equals == std::string_view::npos || equals == 0) continue;
    out.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  return out;
}

}  // namespace landfall::ecs
