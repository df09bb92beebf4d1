#include "gateway/metrics.h"

namespace landfall::gateway {

void Metrics::count(const std::string& service, const std::string& operation, int status,
                    std::int64_t microseconds) {
  auto key = std::make_tuple(service, operation, status);
  if (series_.size() >= kMostSeries && !series_.contains(key)) key = {"other", "other", status};
  Series& series = series_[key];
  ++series.calls;
  series.microseconds += std::uint64_t(std::max<std::int64_t>(microseconds, 0));
}

std::string Metrics::text() const {
  std::string calls =
      "# HELP landfall_api_calls_total API calls answered\n# TYPE landfall_api_calls_total "
      "counter\n";
  std::string seconds =
      "# HELP landfall_api_seconds_total Time spent answering\n# TYPE landfall_api_seconds_total "
      "counter\n";
  for (const auto& [key, series] : series_) {
    const auto& [service, operation, status] = key;
    const std::string labels = fmt::format("{{service=\"{}\",operation=\"{}\",status=\"{}\"}}",
                                           service, operation, status);
    calls += fmt::format("landfall_api_calls_total{} {}\n", labels, series.calls);
    seconds += fmt::format("landfall_api_seconds_total{} {:.6f}\n", labels,
                           double(series.microseconds) / 1e6);
  }
  return calls + seconds;
}

}  // namespace landfall::gateway
