// Rules of composite alarms: "ALARM(cpu) AND NOT (OK("disk full") OR FALSE)".
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
#pragma once

#include <functional>
#include <set>

#include "services/cloudwatch/port.h"

namespace landfall::cloudwatch {

class AlarmRule {
 public:
  // Error "rule" with what is wrong.
  static Result<AlarmRule> parse(std::string_view text);
  // Names or ARNs, as written.
  const std::set<std::string>& alarms() const { return alarms_; }
  // state_of: none when there is no such alarm; it is then in no state.
  bool holds(
      const std::function<std::optional<AlarmState>(const std::string& reference)>& state_of) const;

 private:
  struct Node {
    enum class Kind { constant, state, negation, both, either };
    Kind kind = Kind::constant;
    bool value = false;
    AlarmState state = AlarmState::ok;
    std::string alarm;
    std::vector<Node> parts;
  };
  class Parser;
  static bool holds(
      const Node& node,
      const std::function<std::optional<AlarmState>(const std::string& reference)>& state_of);
  Node root_;
  std::set<std::string> alarms_;
};

// The name in an ARN of an alarm of `scope`; other references are names already.
std::string alarm_name_of(const Scope& scope, const std::string& reference);

}  // namespace landfall::cloudwatch
