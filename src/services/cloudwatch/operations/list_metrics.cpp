#include "services/cloudwatch/shapes.h"

namespace landfall::cloudwatch {
namespace {

constexpr std::size_t kPage = 500;
constexpr std::int64_t kListed_s = 14 * 24 * 3600;
constexpr std::int64_t kRecent_s = 3 * 3600;
constexpr std::string_view kPages = "metrics";

bool passes(const ListMetricsRequest& in, const MetricKey& metric) {
  if (in.namespace_ && *in.namespace_ != metric.space) return false;
  if (in.metric_name && *in.metric_name != metric.name) return false;
  return std::ranges::all_of(in.dimensions, [&](const DimensionFilter& filter) {
    const auto found = metric.dimensions.find(filter.name);
    return found != metric.dimensions.end() && (!filter.value || *filter.value == found->second);
  });
}

}  // namespace

task<Result<ListMetricsResponse>> list_metrics(Cloudwatch& cloudwatch, const RequestContext& ctx,
                                               ListMetricsRequest in) {
  LF_CO_TRY(after, read_page(kPages, in.next_token));
  MetricKey last;
  if (!after.empty()) {
    auto parsed = record::from_text<MetricKey>(after);
    if (!parsed) co_return errors::invalid_next_token("The NextToken is not valid.");
    last = std::move(*parsed);
  }
  ListMetricsResponse out;
  out.metrics.present = true;
  if (in.owning_account && *in.owning_account != ctx.scope.account) co_return out;
  const std::int64_t oldest_s =
      to_unix_ms(ctx.now) / 1000 - (in.recently_active ? kRecent_s : kListed_s);
  const auto& all = cloudwatch.metrics.metrics(ctx.scope);
  for (auto at = after.empty() ? all.begin() : all.upper_bound(last); at != all.end(); ++at) {
    const auto& [metric, units] = *at;
    const bool active = std::ranges::any_of(
        units, [&](const auto& unit) { return unit.second.last_s >= oldest_s; });
    if (!active || !passes(in, metric)) continue;
    if (out.metrics.size() == kPage) {
      out.next_token = store::make_page_token(kPages, record::to_text(last));
      break;
    }
    out.metrics.push_back({.namespace_ = metric.space,
                           .metric_name = metric.name,
                           .dimensions = to_dimensions(metric.dimensions)});
    last = metric;
  }
  co_return out;
}

}  // namespace landfall::cloudwatch
