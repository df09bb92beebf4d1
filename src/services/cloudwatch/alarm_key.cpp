#include <ranges>

#include "base/bytes.h"
#include "services/cloudwatch/port.h"

namespace landfall::cloudwatch {

std::optional<AlarmKey> parse_alarm_key(std::string_view key) {
  if (!key.starts_with(kKeyPrefix)) return {};
  key.remove_prefix(kKeyPrefix.size());
  std::vector<std::string> parts;
  for (const auto part : std::views::split(key, '/')) parts.emplace_back(std::string_view(part));
  if (parts.size() != 4 || parts[2] != "alarms") return {};
  auto name = percent_decode(parts[3]);
  if (!name) return {};
  return AlarmKey{{parts[0], parts[1]}, std::move(*name)};
}

}  // namespace landfall::cloudwatch
