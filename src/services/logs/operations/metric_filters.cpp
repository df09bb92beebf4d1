// operations: PutMetricFilter, DescribeMetricFilters, DeleteMetricFilter
#include "services/logs/pattern/pattern.h"
#include "services/logs/service.h"
#include "store/pagination.h"
#include "wire/logs/errors.h"
#include "wire/logs/operations.h"

namespace landfall::logs {
namespace {

constexpr std::size_t kMostFilters = 100;
constexpr std::size_t kMostDimensions = 3;
constexpr std::size_t kPage = 50;
constexpr std::string_view kPages = "metric-filters";

Result<MetricFilterRecord> read_filter(const PutMetricFilterRequest& in, TimePoint now) {
  if (in.apply_on_transformed_logs.value_or(false) || in.field_selection_criteria ||
      !in.emit_system_field_dimensions.empty()) {
    return errors::invalid_parameter(
        "Transformed logs, field selection and system fields are not served here.");
  }
  const auto pattern = Pattern::parse(in.filter_pattern);
  if (!pattern) return errors::invalid_parameter(pattern.error().message);
  const MetricTransformation& to = in.metric_transformations[0];
  MetricFilterRecord out{.name = in.filter_name,
                         .pattern = in.filter_pattern,
                         .metric = to.metric_name,
                         .space = to.metric_namespace,
                         .value = to.metric_value,
                         .default_value = to.default_value,
                         .unit = to.unit.value_or(""),
                         .created = now};
  double number = 0;
  const auto [end, error] =
      std::from_chars(out.value.data(), out.value.data() + out.value.size(), number);
  if (!out.value.starts_with('$') &&
      (error != std::errc() || end != out.value.data() + out.value.size())) {
    return errors::invalid_parameter(
        "Invalid metric transformation: metricValue must be a number or a field.");
  }
  if (to.dimensions.size() > kMostDimensions)
    return errors::invalid_parameter("A metric filter has at most 3 dimensions.");
  if (!to.dimensions.empty() && out.default_value) {
    return errors::invalid_parameter(
        "Invalid metric transformation: dimensions and default value are mutually exclusive "
        "properties.");
  }
  for (const auto& [name, source] : to.dimensions) {
    if (!source.starts_with('$'))
      return errors::invalid_parameter("A dimension's value names a field of the event: $field.");
    out.dimensions[name] = source;
  }
  return out;
}

MetricFilter to_shape(const MetricFilterRecord& filter, const std::string& group) {
  MetricFilter out;
  out.filter_name = filter.name;
  out.filter_pattern = filter.pattern;
  out.log_group_name = group;
  out.creation_time = to_unix_ms(filter.created);
  MetricTransformation& to = out.metric_transformations.emplace_back();
  to.metric_name = filter.metric;
  to.metric_namespace = filter.space;
  to.metric_value = filter.value;
  to.default_value = filter.default_value;
  if (!filter.unit.empty()) to.unit = filter.unit;
  for (const auto& [name, source] : filter.dimensions) to.dimensions[name] = source;
  return out;
}

// Other errors of an update than those of `change` are the store's.
task<Result<void>> change_filters(Logs& logs, Scope scope, std::string group,
                                  std::function<Result<bool>(GroupRecord&)> change) {
  auto done = co_await logs.groups(scope).update(group, std::move(change));
  if (done) co_return Result<void>();
  if (done.error().code == "not-found")
    co_return errors::resource_not_found("The specified log group does not exist.");
  co_return std::unexpected(to_api(done.error()));
}

}  // namespace

task<Result<PutMetricFilterResponse>> put_metric_filter(Logs& logs, const RequestContext& ctx,
                                                        PutMetricFilterRequest in) {
  LF_CO_TRY(filter, read_filter(in, ctx.now));
  LF_CO_OK(co_await change_filters(
      logs, ctx.scope, in.log_group_name, [&filter](GroupRecord& group) -> Result<bool> {
        auto& all = group.metric_filters;
        const auto held = std::ranges::find(all, filter.name, &MetricFilterRecord::name);
        if (held != all.end()) {
          const TimePoint created = held->created;
          *held = filter;
          held->created = created;
          return true;
        }
        if (all.size() >= kMostFilters) return errors::limit_exceeded("Resource limit exceeded.");
        all.push_back(filter);
        std::ranges::sort(all, {}, &MetricFilterRecord::name);
        return true;
      }));
  co_return PutMetricFilterResponse{};
}

task<Result<DeleteMetricFilterResponse>> delete_metric_filter(Logs& logs, const RequestContext& ctx,
                                                              DeleteMetricFilterRequest in) {
  LF_CO_OK(co_await change_filters(
      logs, ctx.scope, in.log_group_name, [&in](GroupRecord& group) -> Result<bool> {
        const auto gone = std::erase_if(
            group.metric_filters,
            [&](const MetricFilterRecord& filter) { return filter.name == in.filter_name; });
        if (gone == 0)
          return errors::resource_not_found("The specified metric filter does not exist.");
        return true;
      }));
  co_return DeleteMetricFilterResponse{};
}

task<Result<DescribeMetricFiltersResponse>> describe_metric_filters(
    Logs& logs, const RequestContext& ctx, DescribeMetricFiltersRequest in) {
  auto after = store::read_page_token(kPages, in.next_token);
  if (!after) co_return errors::invalid_parameter("The specified nextToken is invalid.");
  if (in.metric_name.has_value() != in.metric_namespace.has_value()) {
    co_return errors::invalid_parameter("metricName and metricNamespace must be given together.");
  }
  std::vector<GroupRow> groups;
  if (in.log_group_name) {
    LF_CO_TRY(group, find_group(logs, ctx.scope, *in.log_group_name));
    groups.push_back(std::move(group));
  } else {
    groups = logs.groups(ctx.scope).list();
  }
  std::vector<std::pair<std::string, MetricFilter>> found;
  for (const GroupRow& group : groups) {
    for (const MetricFilterRecord& filter : group.value.metric_filters) {
      std::string place = group.value.name + ":" + filter.name;
      if (place <= *after ||
          (in.filter_name_prefix && !filter.name.starts_with(*in.filter_name_prefix)) ||
          (in.metric_name &&
           (*in.metric_name != filter.metric || *in.metric_namespace != filter.space))) {
        continue;
      }
      found.emplace_back(std::move(place), to_shape(filter, group.value.name));
    }
  }
  std::ranges::sort(found, {}, [](const auto& item) { return item.first; });
  DescribeMetricFiltersResponse out;
  out.next_token = store::cut_page(
      found, std::size_t(in.limit.value_or(kPage)), [](const auto& item) { return item.first; },
      kPages);
  out.metric_filters.present = true;
  for (auto& [place, filter] : found) out.metric_filters.push_back(std::move(filter));
  co_return out;
}

}  // namespace landfall::logs
