#include "services/logs/metric_filters.h"

#include <charconv>
#include <cmath>

#include "base/log.h"
#include "services/logs/pattern/pattern.h"

namespace landfall::logs {
namespace {

// "$.a.b[0]" in a JSON event, as text.
std::optional<std::string> json_field(std::string_view message, std::string_view path) {
  boost::system::error_code error;
  const json::value parsed = json::parse(json::string_view(message.data(), message.size()), error);
  if (error) return {};
  const json::value* at = &parsed;
  path.remove_prefix(1);
  while (!path.empty()) {
    if (path.front() == '.') {
      path.remove_prefix(1);
      const std::string_view name = path.substr(0, path.find_first_of(".["));
      const auto* object = at->if_object();
      at = object ? object->if_contains(json::string_view(name.data(), name.size())) : nullptr;
      path.remove_prefix(name.size());
    } else if (path.front() == '[') {
      std::size_t index = 0;
      const auto [end, failed] = std::from_chars(path.data() + 1, path.data() + path.size(), index);
      const auto* array = at->if_array();
      at = failed == std::errc() && array && index < array->size() ? &(*array)[index] : nullptr;
      const std::size_t close = path.find(']');
      if (close == path.npos) return {};
      path.remove_prefix(close + 1);
    } else {
      return {};
    }
    if (!at) return {};
  }
  if (at->is_string()) return std::string(at->get_string().c_str());
  return json::serialize(*at);
}

// "1", "$size" (a column), "$.latency" (a field).
std::optional<std::string> value_of(const std::string& source, std::string_view message,
                                    const Extracted& extracted) {
  if (!source.starts_with('$')) return source;
  if (const auto found = extracted.find(source); found != extracted.end()) return found->second;
  return source.starts_with("$.") ? json_field(message, source) : std::nullopt;
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
      if (!(*pattern)->match(event.message, &extracted)) continue;
      any = true;
      if (auto sample = sample_of(filter, event, extracted)) out.push_back(std::move(*sample));
    }
    // Something came and nothing matched.
    if (!any && filter.default_value && !events.empty())
      out.push_back(sample_for(filter, events.back().time_ms, *filter.default_value));
  }
  return out;
}

task<void> feed_metrics(Logs& logs, Scope scope, GroupRecord group, std::vector<LogEvent> events) {
  if (!logs.metrics || group.metric_filters.empty()) co_return;
  auto samples = samples_of(group.metric_filters, events);
  if (samples.empty()) co_return;
  if (auto done = co_await logs.metrics->put(scope, std::move(samples)); !done)
    log::warning("logs", "metrics of {} are lost: {}", group.name, done.error().message);
}

}  // namespace landfall::logs
