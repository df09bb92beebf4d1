#include "services/logs/pattern/pattern.h"
#include "services/logs/regex/regex.h"
#include "services/logs/service.h"
#include "wire/logs/errors.h"
#include "wire/logs/operations.h"

namespace landfall::logs {

task<Result<TestMetricFilterResponse>> test_metric_filter(Logs&, const RequestContext&,
                                                          TestMetricFilterRequest in) {
  auto pattern = Pattern::parse(in.filter_pattern);
  if (!pattern) co_return errors::invalid_parameter(pattern.error().message);
  TestMetricFilterResponse out;
  for (std::size_t i = 0; i < in.log_event_messages.size(); ++i) {
    Extracted extracted;
    try {
      if (!(*pattern)->match(in.log_event_messages[i], &extracted)) continue;
    } catch (const Regex::TooComplex& error) {
      co_return errors::invalid_parameter(fmt::format("The pattern: {}.", error.what()));
    }
    MetricFilterMatchRecord match;
    match.event_number = static_cast<std::int64_t>(i + 1);
    match.event_message = in.log_event_messages[i];
    match.extracted_values = wire::Map<std::string>(std::move(extracted));
    out.matches.push_back(std::move(match));
  }
  co_return out;
}

}  // namespace landfall::logs
