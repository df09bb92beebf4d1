// For services that follow alarms by watching the store.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"

namespace landfall::cloudwatch {

inline constexpr std::string_view kKeyPrefix = "/cloudwatch/";

struct AlarmKey {
  Scope scope;
  std::string name;
};
// The alarm whose record is kept at this key of the store; none: it is another record's.
std::optional<AlarmKey> parse_alarm_key(std::string_view key);

}  // namespace landfall::cloudwatch
