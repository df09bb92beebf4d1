#include "services/cloudwatch/math/functions.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>

namespace landfall::cloudwatch::math {
namespace {

std::unexpected<Error> wrong(std::string message) { return fail("math", std::move(message)); }

using Arguments = std::vector<Value>;

// ---- series ----

template <class Make>
TimeSeries each_point(const TimeSeries& series, Make make) {
  TimeSeries out{.label = series.label, .points = {}};
  for (const auto& point : series.points) {
    const double value = make(point.value);
    if (std::isfinite(value)) out.points.push_back({point.time_s, value});
  }
  return out;
}

// A number for each series: alone, or for each of an array.
template <class Make>
Result<Value> each_series(const std::string& name, const Value& of, Make make) {
  if (const auto* series = std::get_if<TimeSeries>(&of)) return Value(make(*series));
  if (const auto* array = std::get_if<Array>(&of)) {
    Array out;
    for (const TimeSeries& series : *array) out.push_back(make(series));
    return Value(std::move(out));
  }
  return wrong(fmt::format("{} takes a time series", name));
}

// ---- one number from many ----

using Summary = double (*)(const std::vector<double>& values);

double sum_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum;
}
double average_of(const std::vector<double>& values) {
  return sum_of(values) / double(values.size());
}
double least_of(const std::vector<double>& values) { return *std::ranges::min_element(values); }
double most_of(const std::vector<double>& values) { return *std::ranges::max_element(values); }
double deviation_of(const std::vector<double>& values) {
  const double mean = average_of(values);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / double(values.size()));
}

Summary summary_of(const std::string& name) {
  if (name == "SUM") return sum_of;
  if (name == "AVG") return average_of;
  if (name == "MIN") return least_of;
  if (name == "MAX") return most_of;
  if (name == "STDDEV") return deviation_of;
  return nullptr;
}

std::vector<double> values_of(const TimeSeries& series) {
  std::vector<double> out;
  for (const auto& point : series.points) out.push_back(point.value);
  return out;
}

// SUM(m1) is a number; SUM([m1, m2]) a series, over what there is at each time.
Result<Value> summarise(const std::string& name, Summary summary, const Arguments& arguments) {
  if (arguments.size() == 1) {
    if (const auto* series = std::get_if<TimeSeries>(&arguments[0])) {
      return Value(series->points.empty() ? 0.0 : summary(values_of(*series)));
    }
    if (const auto* array = std::get_if<Array>(&arguments[0])) {
      std::map<std::int64_t, std::vector<double>> by_time;
      for (const TimeSeries& series : *array) {
        for (const auto& point : series.points) by_time[point.time_s].push_back(point.value);
      }
      TimeSeries out;
      for (const auto& [time_s, values] : by_time) out.points.push_back({time_s, summary(values)});
      return Value(std::move(out));
    }
  }
  return wrong(fmt::format("{} takes a time series or an array of them", name));
}

// ---- FILL ----

TimeSeries fill_series(const TimeSeries& series, const Value& with, const Frame& frame) {
  TimeSeries out{.label = series.label, .points = {}};
  const auto* number = std::get_if<double>(&with);
  const auto* other = std::get_if<TimeSeries>(&with);
  const auto* mode = std::get_if<std::string>(&with);
  for (std::size_t i = 0; i < frame.count; ++i) {
    const std::int64_t time_s = frame.from_s + std::int64_t(i) * frame.period_s;
    if (const double* value = series.at(time_s)) {
      out.points.push_back({time_s, *value});
      continue;
    }
    if (number) out.points.push_back({time_s, *number});
    if (const double* value = other ? other->at(time_s) : nullptr)
      out.points.push_back({time_s, *value});
    if (!mode) continue;
    const auto after = std::ranges::upper_bound(series.points, time_s, {}, &TimePointValue::time_s);
    if (after == series.points.begin()) continue;
    const auto& before = *std::prev(after);
    if (*mode == "REPEAT" || after == series.points.end()) {
      if (*mode == "REPEAT") out.points.push_back({time_s, before.value});
      continue;
    }
    const double share = double(time_s - before.time_s) / double(after->time_s - before.time_s);
    out.points.push_back({time_s, before.value + share * (after->value - before.value)});
  }
  return out;
}

Result<Value> fill(const Arguments& arguments, const Frame& frame) {
  if (arguments.size() != 2) return wrong("FILL takes a time series and what to fill it with");
  const auto* mode = std::get_if<std::string>(&arguments[1]);
  if (std::holds_alternative<Array>(arguments[1]) ||
      (mode && *mode != "REPEAT" && *mode != "LINEAR")) {
    return wrong("FILL fills with a number, a time series, REPEAT or LINEAR");
  }
  return each_series("FILL", arguments[0], [&](const TimeSeries& series) {
    return fill_series(series, arguments[1], frame);
  });
}

// ---- IF ----

Result<Value> choose(const Arguments& arguments) {
  if (arguments.size() < 2 || arguments.size() > 3) {
    return wrong("IF takes a condition, a value and, optionally, another value");
  }
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    if (arguments[i].index() > 1) return wrong("the values of IF are numbers or time series");
  }
  if (const auto* condition = std::get_if<double>(&arguments[0])) {
    if (*condition != 0) return arguments[1];
    return arguments.size() == 3 ? arguments[2] : Value(TimeSeries{});
  }
  return each_series("IF", arguments[0], [&](const TimeSeries& condition) {
    TimeSeries out{.label = condition.label, .points = {}};
    for (const auto& point : condition.points) {
      const std::size_t which = point.value != 0 ? 1 : 2;
      if (which >= arguments.size()) continue;
      const auto* number = std::get_if<double>(&arguments[which]);
      const auto* series = std::get_if<TimeSeries>(&arguments[which]);
      const double* value = number ? number : series->at(point.time_s);
      if (value) out.points.push_back({point.time_s, *value});
    }
    return out;
  });
}

// ---- from one point to the next ----

template <class Make>
TimeSeries differences(const TimeSeries& series, Make make) {
  TimeSeries out{.label = series.label, .points = {}};
  for (std::size_t i = 1; i < series.points.size(); ++i) {
    const auto& before = series.points[i - 1];
    const auto& here = series.points[i];
    out.points.push_back(
        {here.time_s, make(here.value - before.value, double(here.time_s - before.time_s))});
  }
  return out;
}

TimeSeries running_sum(const TimeSeries& series) {
  double sum = 0;
  return each_point(series, [&](double value) { return sum += value; });
}

std::optional<Result<Value>> one_series(const std::string& name, const Arguments& arguments) {
  if (arguments.size() != 1) return {};
  const Value& of = arguments[0];
  const auto points = [&](double (*make)(double)) -> Result<Value> {
    if (const auto* number = std::get_if<double>(&of)) return Value(make(*number));
    return each_series(name, of,
                       [&](const TimeSeries& series) { return each_point(series, make); });
  };
  if (name == "ABS") return points([](double v) { return std::abs(v); });
  if (name == "CEIL") return points([](double v) { return std::ceil(v); });
  if (name == "FLOOR") return points([](double v) { return std::floor(v); });
  if (name == "LOG") return points([](double v) { return std::log(v); });
  if (name == "LOG10") return points([](double v) { return std::log10(v); });
  if (name == "RATE") {
    return each_series(name, of, [](const TimeSeries& series) {
      return differences(series, [](double change, double seconds) { return change / seconds; });
    });
  }
  if (name == "DIFF") {
    return each_series(name, of, [](const TimeSeries& series) {
      return differences(series, [](double change, double) { return change; });
    });
  }
  if (name == "DIFF_TIME") {
    return each_series(name, of, [](const TimeSeries& series) {
      return differences(series, [](double, double seconds) { return seconds; });
    });
  }
  if (name == "RUNNING_SUM") return each_series(name, of, running_sum);
  return {};
}

// ---- arrays ----

Result<Value> count_points(const Arguments& arguments) {
  if (arguments.size() != 1) return wrong("DATAPOINT_COUNT takes a time series");
  if (const auto* series = std::get_if<TimeSeries>(&arguments[0]))
    return Value(double(series->points.size()));
  const auto* array = std::get_if<Array>(&arguments[0]);
  if (!array) return wrong("DATAPOINT_COUNT takes a time series");
  TimeSeries out;
  std::map<std::int64_t, double> counts;
  for (const TimeSeries& series : *array) {
    for (const auto& point : series.points) counts[point.time_s] += 1;
  }
  for (const auto& [time_s, count] : counts) out.points.push_back({time_s, count});
  return Value(std::move(out));
}

Result<Value> of_array(const std::string& name, const Arguments& arguments) {
  const auto* array = arguments.empty() ? nullptr : std::get_if<Array>(&arguments[0]);
  if (!array) return wrong(fmt::format("{} takes an array of time series", name));
  if (name == "METRIC_COUNT") return Value(double(array->size()));
  if (name == "FIRST" || name == "LAST") {
    if (array->empty()) return Value(TimeSeries{});
    return Value(name == "FIRST" ? array->front() : array->back());
  }
  Array out = *array;
  if (name == "REMOVE_EMPTY") {
    std::erase_if(out, [](const TimeSeries& series) { return series.points.empty(); });
    return Value(std::move(out));
  }
  const auto number = [&](std::size_t i, double otherwise) {
    const auto* held = i < arguments.size() ? std::get_if<double>(&arguments[i]) : nullptr;
    return held ? *held : otherwise;
  };
  if (name == "SLICE") {
    if (arguments.size() < 2) return wrong("SLICE takes an array and where it begins");
    const double size = double(out.size());
    const auto begin = std::size_t(std::clamp(number(1, 0), 0.0, size));
    const auto end = std::size_t(std::clamp(
        number(2, arguments.size() == 2 ? number(1, 0) + 1 : size), double(begin), size));
    if (arguments.size() == 2) return begin < out.size() ? Value(out[begin]) : Value(TimeSeries{});
    return Value(Array(out.begin() + std::ptrdiff_t(begin), out.begin() + std::ptrdiff_t(end)));
  }
  // SORT(METRICS(), SUM, DESC, 10)
  const auto* how = arguments.size() > 1 ? std::get_if<std::string>(&arguments[1]) : nullptr;
  const auto* order = arguments.size() > 2 ? std::get_if<std::string>(&arguments[2]) : nullptr;
  const Summary summary = how ? summary_of(*how) : nullptr;
  if (!summary || !order || (*order != "ASC" && *order != "DESC"))
    return wrong("SORT takes an array, AVG, MIN, MAX or SUM, and ASC or DESC");
  const auto key = [&](const TimeSeries& series) {
    return series.points.empty() ? -HUGE_VAL : summary(values_of(series));
  };
  std::ranges::sort(out, {}, key);
  if (*order == "DESC") std::ranges::reverse(out);
  const auto most = std::size_t(std::max(0.0, number(3, double(out.size()))));
  if (out.size() > most) out.resize(most);
  return Value(std::move(out));
}

// ---- time ----

Result<Value> time_part(const std::string& name, const Arguments& arguments) {
  if (arguments.size() != 1) return wrong(fmt::format("{} takes a time series", name));
  return each_series(name, arguments[0], [&](const TimeSeries& series) {
    TimeSeries out{.label = series.label, .points = {}};
    for (const auto& point : series.points) {
      const std::chrono::sys_seconds time{std::chrono::seconds(point.time_s)};
      const auto day = std::chrono::floor<std::chrono::days>(time);
      const std::chrono::year_month_day date(day);
      const std::chrono::hh_mm_ss clock(time - day);
      double value = double(point.time_s);
      if (name == "MINUTE") value = double(clock.minutes().count());
      if (name == "HOUR") value = double(clock.hours().count());
      if (name == "DAY") value = double(std::chrono::weekday(day).iso_encoding());
      if (name == "DATE") value = double(unsigned(date.day()));
      if (name == "MONTH") value = double(unsigned(date.month()));
      if (name == "YEAR") value = double(int(date.year()));
      out.points.push_back({point.time_s, value});
    }
    return out;
  });
}

bool in(const std::string& name, std::initializer_list<const char*> names) {
  return std::ranges::any_of(names, [&](const char* known) { return name == known; });
}

}  // namespace

const double* TimeSeries::at(std::int64_t time_s) const {
  const auto found = std::ranges::lower_bound(points, time_s, {}, &TimePointValue::time_s);
  return found != points.end() && found->time_s == time_s ? &found->value : nullptr;
}

Result<Value> combine(Operation operation, const Value& left, const Value& right) {
  if (std::holds_alternative<std::string>(left) || std::holds_alternative<std::string>(right))
    return wrong("a string cannot be computed with");
  const auto* a = std::get_if<double>(&left);
  const auto* b = std::get_if<double>(&right);
  if (a && b) return Value(operation(*a, *b));
  if (std::holds_alternative<Array>(left) && std::holds_alternative<Array>(right))
    return wrong("two arrays cannot be combined");
  if (const auto* array = std::get_if<Array>(&left)) {
    Array out;
    for (const TimeSeries& series : *array) {
      LF_TRY(made, combine(operation, Value(series), right));
      out.push_back(std::get<TimeSeries>(std::move(made)));
    }
    return Value(std::move(out));
  }
  if (const auto* array = std::get_if<Array>(&right)) {
    Array out;
    for (const TimeSeries& series : *array) {
      LF_TRY(made, combine(operation, left, Value(series)));
      out.push_back(std::get<TimeSeries>(std::move(made)));
    }
    return Value(std::move(out));
  }
  const auto* x = std::get_if<TimeSeries>(&left);
  const auto* y = std::get_if<TimeSeries>(&right);
  TimeSeries out{.label = x ? x->label : y->label, .points = {}};
  for (const auto& point : (x ? *x : *y).points) {
    const double* first = x ? &point.value : a;
    const double* second = !y ? b : x ? y->at(point.time_s) : &point.value;
    if (!first || !second) continue;
    // A division by zero has no datapoint.
    const double value = operation(*first, *second);
    if (std::isfinite(value)) out.points.push_back({point.time_s, value});
  }
  return Value(std::move(out));
}

Result<Value> call(const std::string& name, const std::vector<Value>& arguments,
                   const Frame& frame) {
  if (const Summary summary = summary_of(name)) return summarise(name, summary, arguments);
  if (auto done = one_series(name, arguments)) return std::move(*done);
  if (name == "FILL") return fill(arguments, frame);
  if (name == "IF") return choose(arguments);
  if (name == "DATAPOINT_COUNT") return count_points(arguments);
  if (in(name, {"METRIC_COUNT", "FIRST", "LAST", "REMOVE_EMPTY", "SLICE", "SORT"}))
    return of_array(name, arguments);
  if (in(name, {"MINUTE", "HOUR", "DAY", "DATE", "MONTH", "YEAR", "EPOCH"}))
    return time_part(name, arguments);
  if (name == "TIME_SERIES") {
    const auto* number = arguments.size() == 1 ? std::get_if<double>(&arguments[0]) : nullptr;
    if (!number) return wrong("TIME_SERIES takes a number");
    return Value(fill_series({}, *number, frame));
  }
  if (in(name, {"ANOMALY_DETECTION_BAND", "INSIGHT_RULE_METRIC", "SERVICE_QUOTA",
                "DB_PERF_INSIGHTS", "LAMBDA"})) {
    return wrong(fmt::format("the function {} is not served here", name));
  }
  if (in(name,
         {"ABS", "CEIL", "FLOOR", "LOG", "LOG10", "RATE", "DIFF", "DIFF_TIME", "RUNNING_SUM"})) {
    return wrong(fmt::format("{} takes one argument", name));
  }
  return wrong(fmt::format("there is no function {}", name));
}

}  // namespace landfall::cloudwatch::math
