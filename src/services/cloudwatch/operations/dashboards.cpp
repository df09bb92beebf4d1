// operations: PutDashboard, GetDashboard, ListDashboards, DeleteDashboards
#include "base/bytes.h"
#include "services/cloudwatch/shapes.h"

namespace landfall::cloudwatch {
namespace {

constexpr std::size_t kPage = 1000;
constexpr std::size_t kMostBytes = 1 << 20;
constexpr std::string_view kPages = "dashboards";

std::string dashboard_arn(const Scope& scope, std::string_view name) {
  return fmt::format("arn:aws:cloudwatch::{}:dashboard/{}", scope.account, name);
}

// Dashboards are the account's, whatever the region.
store::Table<DashboardRecord> table_of(const Cloudwatch& cloudwatch, const RequestContext& ctx) {
  return cloudwatch.dashboards({ctx.scope.account, "-"});
}

bool valid_name(const std::string& name) {
  return !name.empty() && name.size() <= 255 && std::ranges::all_of(name, [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '_';
  });
}

std::unexpected<Error> invalid_body(std::string path, std::string message) {
  const json::array messages{json::object{{"DataPath", path}, {"Message", message}}};
  return errors::dashboard_invalid_input_error(
      fmt::format("The field DashboardBody must be a valid JSON object: {}", message),
      {{"dashboardValidationMessages", json::serialize(messages)}});
}

Result<void> check_body(const std::string& body) {
  if (body.size() > kMostBytes) return invalid_body("/", "the body is larger than 1 MB");
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = 64;
  const json::value parsed = json::parse(body, error, {}, options);
  if (error) return invalid_body("/", error.message());
  if (!parsed.is_object()) return invalid_body("/", "it is no object");
  const json::value* widgets = parsed.get_object().if_contains("widgets");
  if (!widgets || !widgets->is_array())
    return invalid_body("/", "Should have required property 'widgets'");
  std::size_t index = 0;
  for (const json::value& widget : widgets->get_array()) {
    const std::string path = fmt::format("/widgets/{}", index++);
    if (!widget.is_object()) return invalid_body(path, "it is no object");
    const json::value* type = widget.get_object().if_contains("type");
    if (!type || !type->is_string())
      return invalid_body(path, "Should have required property 'type'");
  }
  return {};
}

}  // namespace

task<Result<PutDashboardResponse>> put_dashboard(Cloudwatch& cloudwatch, const RequestContext& ctx,
                                                 PutDashboardRequest in) {
  if (!valid_name(in.dashboard_name)) {
    co_return errors::dashboard_invalid_input_error(
        "The value for field DashboardName contains invalid characters. It can only contain "
        "alphanumerics, dash (-) and underscore (_).");
  }
  LF_CO_OK(check_body(in.dashboard_body));
  if (!in.tags.empty())
    co_return errors::dashboard_invalid_input_error("Tags of dashboards are not served here.");
  const DashboardRecord record{
      .name = in.dashboard_name, .body = in.dashboard_body, .modified = ctx.now};
  LF_CO_OK(co_await cloudwatch.store.commit(
      {{}, {table_of(cloudwatch, ctx).put(in.dashboard_name, record)}}));
  PutDashboardResponse out;
  out.dashboard_validation_messages.present = true;
  co_return out;
}

task<Result<GetDashboardResponse>> get_dashboard(Cloudwatch& cloudwatch, const RequestContext& ctx,
                                                 GetDashboardRequest in) {
  const auto row = valid_name(in.dashboard_name) ? table_of(cloudwatch, ctx).get(in.dashboard_name)
                                                 : std::nullopt;
  if (!row) {
    co_return errors::dashboard_not_found_error(
        fmt::format("Dashboard {} does not exist", in.dashboard_name));
  }
  co_return GetDashboardResponse{.dashboard_arn = dashboard_arn(ctx.scope, row->value.name),
                                 .dashboard_body = row->value.body,
                                 .dashboard_name = row->value.name};
}

task<Result<ListDashboardsResponse>> list_dashboards(Cloudwatch& cloudwatch,
                                                     const RequestContext& ctx,
                                                     ListDashboardsRequest in) {
  LF_CO_TRY(after, read_page(kPages, in.next_token));
  auto rows =
      table_of(cloudwatch, ctx).list(in.dashboard_name_prefix.value_or(""), after, kPage + 1);
  ListDashboardsResponse out;
  out.next_token = store::cut_page(rows, kPage, [](const auto& row) { return row.id; }, kPages);
  out.dashboard_entries.present = true;
  for (const auto& row : rows) {
    out.dashboard_entries.push_back({.dashboard_name = row.value.name,
                                     .dashboard_arn = dashboard_arn(ctx.scope, row.value.name),
                                     .last_modified = row.value.modified,
                                     .size = std::int64_t(row.value.body.size())});
  }
  co_return out;
}

task<Result<DeleteDashboardsResponse>> delete_dashboards(Cloudwatch& cloudwatch,
                                                         const RequestContext& ctx,
                                                         DeleteDashboardsRequest in) {
  store::Transaction transaction;
  const auto table = table_of(cloudwatch, ctx);
  for (const std::string& name : in.dashboard_names) {
    // All of them or none.
    if (!valid_name(name) || !table.get(name)) {
      co_return errors::dashboard_not_found_error(fmt::format("Dashboard {} does not exist", name));
    }
    transaction.operations.push_back(table.remove(name));
  }
  if (!transaction.operations.empty())
    LF_CO_OK(co_await cloudwatch.store.commit(std::move(transaction)));
  co_return DeleteDashboardsResponse{};
}

}  // namespace landfall::cloudwatch
