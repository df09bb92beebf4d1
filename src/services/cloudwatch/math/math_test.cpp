#include <gtest/gtest.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "services/cloudwatch/math/evaluate.h"

namespace landfall::cloudwatch::math {
namespace {

// Minutes 0 to 4; a hole where there is no number.
TimeSeries series(std::string label, std::vector<std::optional<double>> values) {
  TimeSeries out{.label = std::move(label), .points = {}};
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i]) out.points.push_back({std::int64_t(i) * 60, *values[i]});
  }
  return out;
}

const auto kHole = std::nullopt;
const TimeSeries kOne = series("one", {1, 2, kHole, 4, 5});
const TimeSeries kTwo = series("two", {10, kHole, 30, 40, 0});

std::string show(const Value& value) {
  if (const auto* number = std::get_if<double>(&value)) return fmt::format("{}", *number);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  const auto line = [](const TimeSeries& from) {
    std::string out;
    for (std::size_t i = 0; i < 5; ++i) {
      const double* at = from.at(std::int64_t(i) * 60);
      out += fmt::format("{}{}", i ? " " : "", at ? fmt::format("{}", *at) : "-");
    }
    return out;
  };
  if (const auto* one = std::get_if<TimeSeries>(&value)) return line(*one);
  std::vector<std::string> lines;
  for (const TimeSeries& each : std::get<Array>(value)) lines.push_back(line(each));
  return fmt::format("[{}]", fmt::join(lines, "; "));
}

std::string compute(std::string_view text) {
  const auto expression = parse(text);
  if (!expression) return "error: " + expression.error().message;
  const Surroundings around{
      .frame = {.from_s = 0, .period_s = 60, .count = 5},
      .find = [](const std::string& id) -> Result<Value> {
        if (id == "m1") return Value(kOne);
        if (id == "m2") return Value(kTwo);
        return fail("math", fmt::format("there is no query '{}'", id));
      },
      .metrics =
          [](const std::string& part) {
            Array out;
            if (std::string("m1").contains(part)) out.push_back(kOne);
            if (std::string("m2").contains(part)) out.push_back(kTwo);
            return out;
          },
      .period = [](const std::string&) { return std::int64_t(60); },
      .search = [](const std::string&, const std::string&, std::int64_t) -> Result<Array> {
        return Array{kOne, kTwo};
      }};
  const auto value = evaluate(*expression, around);
  return value ? show(*value) : "error: " + value.error().message;
}

struct Case {
  const char* text;
  std::string expected;
};

TEST(Math, Computes) {
  for (const auto& [text, expected] : {
           Case{"1 + 2 * 3", "7"},
           Case{"(1 + 2) * 3", "9"},
           Case{"2 ^ 3 ^ 2", "512"},
           Case{"-2 ^ 2", "-4"},
           Case{"10 - 4 - 3", "3"},
           Case{"7 % 4", "3"},
           Case{"m1", "1 2 - 4 5"},
           Case{"m1 * 2", "2 4 - 8 10"},
           Case{"100 / m1", "100 50 - 25 20"},
           // Where one side has nothing, there is nothing; a division by zero is nothing.
           Case{"m1 + m2", "11 - - 44 5"},
           Case{"m1 / m2", "0.1 - - 0.1 -"},
           Case{"-m1", "-1 -2 - -4 -5"},
           Case{"SUM(m1)", "12"},
           Case{"AVG(m1)", "3"},
           Case{"MIN(m1)", "1"},
           Case{"MAX(m1)", "5"},
           Case{"m1 / SUM(m1) * 12", "1 2 - 4 5"},
           Case{"SUM([m1, m2])", "11 2 30 44 5"},
           Case{"SUM(METRICS())", "11 2 30 44 5"},
           Case{"AVG(METRICS())", "5.5 2 30 22 2.5"},
           Case{"MAX(METRICS(\"m2\"))", "10 - 30 40 0"},
           Case{"METRICS() * 2", "[2 4 - 8 10; 20 - 60 80 0]"},
           Case{"METRIC_COUNT(METRICS())", "2"},
           Case{"FILL(m1, 0)", "1 2 0 4 5"},
           Case{"FILL(m1, REPEAT)", "1 2 2 4 5"},
           Case{"FILL(m1, LINEAR)", "1 2 3 4 5"},
           Case{"FILL(m1, m2)", "1 2 30 4 5"},
           Case{"FILL(METRICS(), 0)", "[1 2 0 4 5; 10 0 30 40 0]"},
           Case{"m1 > 2", "0 0 - 1 1"},
           Case{"m1 >= 2 AND m1 < 5", "0 1 - 1 0"},
           Case{"m1 == 1 || m1 == 5", "1 0 - 0 1"},
           Case{"IF(m1 > 2, m1, 0)", "0 0 - 4 5"},
           Case{"IF(m1 > 2, m2)", "- - - 40 0"},
           Case{"IF(1, m1, m2)", "1 2 - 4 5"},
           Case{"RATE(m1)", "- 0.016666666666666666 - 0.016666666666666666 0.016666666666666666"},
           Case{"DIFF(m1)", "- 1 - 2 1"},
           Case{"DIFF_TIME(m1)", "- 60 - 120 60"},
           Case{"RUNNING_SUM(m1)", "1 3 - 7 12"},
           Case{"PERIOD(m1)", "60"},
           Case{"m1 / PERIOD(m1) * 60", "1 2 - 4 5"},
           Case{"ABS(-m1)", "1 2 - 4 5"},
           Case{"CEIL(m1 / 2)", "1 1 - 2 3"},
           Case{"FLOOR(m1 / 2)", "0 1 - 2 2"},
           Case{"LOG10(m2)", "1 - 1.4771212547196624 1.6020599913279625 -"},
           Case{"DATAPOINT_COUNT(m1)", "4"},
           Case{"TIME_SERIES(3)", "3 3 3 3 3"},
           Case{"FIRST(METRICS())", "1 2 - 4 5"},
           Case{"SORT(METRICS(), SUM, DESC, 1)", "[10 - 30 40 0]"},
           Case{"SLICE(METRICS(), 1)", "10 - 30 40 0"},
           Case{"MINUTE(FILL(m1, 0))", "0 1 2 3 4"},
           Case{"sum(m1)", "12"},
       }) {
    EXPECT_EQ(compute(text), expected) << text;
  }
}

TEST(Math, SaysWhatIsWrong) {
  for (const auto& [text, expected] : {
           Case{"", "error: the expression ends too early"},
           Case{"m1 +", "error: the expression ends too early"},
           Case{"m1 m2", "error: unexpected 'm2'"},
           Case{"(m1", "error: the expression ends too early"},
           Case{"m3 + 1", "error: there is no query 'm3'"},
           Case{"NONSENSE(m1)", "error: there is no function NONSENSE"},
           Case{"SUM(SEARCH('x', 'Sum', 60))", compute("SUM(METRICS())")},
           Case{"SEARCH('x')",
                "error: SEARCH takes a search, a statistic and a period: SEARCH('...', 'Sum', 60)"},
           Case{"ANOMALY_DETECTION_BAND(m1)",
                "error: the function ANOMALY_DETECTION_BAND is not served here"},
           Case{"SUM(1)", "error: SUM takes a time series or an array of them"},
           Case{"RATE(m1, m2)", "error: RATE takes one argument"},
           Case{"METRICS() + METRICS()", "error: two arrays cannot be combined"},
           Case{"m1 + \"a\"", "error: a string cannot be computed with"},
           Case{"FILL(m1)", "error: FILL takes a time series and what to fill it with"},
           Case{"[1]", "error: an array holds time series only"},
       }) {
    EXPECT_EQ(compute(text), expected) << text;
  }
  EXPECT_EQ(compute(std::string(1000, '(')), "error: the expression is nested too deeply");
  EXPECT_EQ(compute(std::string(1000, '-') + "1"), "error: the expression is nested too deeply");
}

}  // namespace
}  // namespace landfall::cloudwatch::math
