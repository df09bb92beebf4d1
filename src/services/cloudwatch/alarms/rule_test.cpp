#include "services/cloudwatch/alarms/rule.h"

#include <gtest/gtest.h>

namespace landfall::cloudwatch {
namespace {

std::string hold(std::string_view text) {
  const auto rule = AlarmRule::parse(text);
  if (!rule) return rule.error().message;
  const auto state_of = [](const std::string& name) -> std::optional<AlarmState> {
    if (name == "bad" || name == "very bad") return AlarmState::alarm;
    if (name == "good" || name == "arn:aws:cloudwatch:r:1:alarm:good") return AlarmState::ok;
    if (name == "unknown") return AlarmState::insufficient_data;
    return {};
  };
  return rule->holds(state_of) ? "yes" : "no";
}

TEST(Rule, Holds) {
  const std::pair<const char*, const char*> cases[] = {
      {"ALARM(bad)", "yes"},
      {"ALARM(good)", "no"},
      {"OK(good)", "yes"},
      {"ALARM(\"very bad\")", "yes"},
      {"ALARM( very bad )", "yes"},
      {"OK(arn:aws:cloudwatch:r:1:alarm:good)", "yes"},
      {"INSUFFICIENT_DATA(unknown)", "yes"},
      {"NOT ALARM(bad)", "no"},
      {"NOT (OK(bad) OR FALSE)", "yes"},
      {"ALARM(bad) AND OK(good) AND NOT OK(unknown)", "yes"},
      // AND is stronger than OR.
      {"TRUE OR FALSE AND FALSE", "yes"},
      {"(TRUE OR FALSE) AND FALSE", "no"},
      // A deleted alarm is in no state.
      {"ALARM(gone) OR OK(gone) OR INSUFFICIENT_DATA(gone)", "no"},
      {"NOT ALARM(gone)", "yes"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(hold(text), expected) << text;
}

TEST(Rule, RefusesWhatItCannotRead) {
  for (const char* text : {"", "ALARM", "ALARM()", "ALARM(bad", "ALARM(bad) AND", "bad",
                           "ALARM(bad) OK(good)", "(ALARM(bad)", "ALARM(\"bad)", "NOT"}) {
    EXPECT_FALSE(AlarmRule::parse(text)) << text;
  }
  EXPECT_EQ(hold("ALARM(bad) XOR OK(good)"), "unexpected 'XOR OK(good)' at position 12");
  EXPECT_FALSE(AlarmRule::parse(std::string(1000, '(')));
}

}  // namespace
}  // namespace landfall::cloudwatch
