#include "services/logs/metric_filters.h"

#include <charconv>
#include <cmath>

#include "services/logs/pattern/pattern.h"
#include "services/logs/regex/regex.h"

namespace landfall::logs {
namespace {

// "1", "$size" (a column), "$.latency" (a field).
std::optional<std::string> value_of(const std::string& source, std::string_view message,
                                    const Extracted& extracted) {
  if (!source.starts_with('$')) return source;
  if (const auto found = extracted.find(source); found != extracted.end()) return found->second;
  const auto selector = Selector::parse(source);
  return selector ? (*selector)->find(message) : std::nullopt;
}

std::optional<double> number_of(const std::optional<std::string>& text) {
  if (!text) return {};
  double out = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), out);
  if (error != std::errc() || end != text->data() + text->size() || !std::isfinite(out)) return {};
  return out;
}

cloudwatch::Sample sample_for(const MetricFilterRecord& filter, std::int64_t time_ms,
                              double value) {
  cloudwatch::Sample out{.metric = {.space = filter.space, .name = filter.metric, .dimensions = {}},
                         .time = from_unix_ms(time_ms),
                         .unit = filter.unit.empty() ? "None" : filter.unit};
  out.values.emplace_back(value, 1);
  return out;
}

// None: one of the dimensions is not in the event, and then AWS makes no sample.
std::optional<cloudwatch::Sample> sample_of(const MetricFilterRecord& filter, const LogEvent& event,
                                            const Extracted& extracted) {
  const auto value = number_of(value_of(filter.value, event.message, extracted));
  if (!value) return {};
  cloudwatch::Sample out = sample_for(filter, event.time_ms, *value);
  for (const auto& [name, source] : filter.dimensions) {
    auto held = value_of(source, event.message, extracted);
    if (!held || held->empty()) return {};
    out.metric.dimensions[name] = std::move(*held);
  }
  return out;
}

// An event that a regular expression takes too long on counts as one that does not match.
bool matches(const Pattern& pattern, std::string_view message, Extracted& extracted) {
  try {
    return pattern.match(message, &extracted);
  } catch (const Regex::TooComplex&) {
    return false;
  }
}

}  // namespace

std::vector<cloudwatch::Sample> samples_of(const std::vector<MetricFilterRecord>& filters,
                                           const std::vector<LogEvent>& events) {
  std::vector<cloudwatch::Sample> out;
  for (const MetricFilterRecord& filter : filters) {
    const auto pattern = Pattern::parse(filter.pattern);
    if (!pattern) continue;
    bool any = false;
    for (const LogEvent& event : events) {
      Extracted extracted;
      if (!matches(**pattern, event.message, extracted)) continue;
      any = true;
      if (auto sample = sample_of(filter, event, extracted)) out.push_back(std::move(*sample));
    }
    // Something came and nothing matched.
    if (!any && filter.default_value && !events.empty())
      out.push_back(sample_for(filter, events.back().time_ms, *filter.default_value));
  }
  return out;
}

}  // namespace landfall::logs
