// operations: DeleteParameter, DeleteParameters, DescribeParameters, LabelParameterVersion
// operations: UnlabelParameterVersion
#include "services/ssm/shapes.h"

namespace landfall::ssm {
namespace {

constexpr std::size_t kMostLabels = 10;

std::unexpected<Error> not_found(const std::string& name) {
  return errors::parameter_not_found(fmt::format("Parameter {} not found.", name));
}

std::unexpected<Error> no_version(const std::string& name, std::int64_t number) {
  return errors::parameter_version_not_found(fmt::format(
      "Systems Manager could not find version {} of {}. Verify the version and try again.", number,
      name));
}

// What AWS lets a label be.
bool valid_label(const std::string& label) {
  if (label.empty() || std::isdigit(static_cast<unsigned char>(label[0]))) return false;
  if (label.starts_with("aws") || label.starts_with("ssm")) return false;
  return std::ranges::all_of(
      label, [](unsigned char c) { return std::isalnum(c) || c == '.' || c == '-' || c == '_'; });
}

}  // namespace

task<Result<DeleteParameterResponse>> delete_parameter(Ssm& ssm, const RequestContext& ctx,
                                                       DeleteParameterRequest in) {
  LF_CO_OK(ssm.authorize(ctx, "DeleteParameter", in.name));
  const auto row = ssm.find(ctx.scope, in.name);
  if (!row) co_return errors::parameter_not_found("");
  LF_CO_OK(co_await ssm.store.commit({{}, {ssm.parameters(ctx.scope).remove(row->id)}}));
  co_return DeleteParameterResponse{};
}

task<Result<DeleteParametersResponse>> delete_parameters(Ssm& ssm, const RequestContext& ctx,
                                                         DeleteParametersRequest in) {
  DeleteParametersResponse out;
  out.deleted_parameters.present = out.invalid_parameters.present = true;
  store::Transaction transaction;
  for (const std::string& name : in.names) {
    LF_CO_OK(ssm.authorize(ctx, "DeleteParameters", name));
    const auto row = ssm.find(ctx.scope, name);
    if (!row) {
      out.invalid_parameters.push_back(name);
      continue;
    }
    out.deleted_parameters.push_back(name);
    transaction.operations.push_back(ssm.parameters(ctx.scope).remove(row->id));
  }
  if (!transaction.operations.empty()) LF_CO_OK(co_await ssm.store.commit(std::move(transaction)));
  co_return out;
}

task<Result<DescribeParametersResponse>> describe_parameters(Ssm& ssm, const RequestContext& ctx,
                                                             DescribeParametersRequest in) {
  if (!in.filters.empty()) {
    co_return fail("ValidationException", "Use ParameterFilters; Filters is not served here.");
  }
  LF_CO_TRY(after, read_page("describe", in.next_token));
  // Nobody shares parameters with anybody: there is no Resource Access Manager.
  if (in.shared.value_or(false)) {
    DescribeParametersResponse none;
    none.parameters.present = true;
    co_return none;
  }
  std::vector<ParameterRow> found;
  for (auto& row : ssm.list(ctx.scope, after)) {
    LF_CO_TRY(wanted, passes(row.value, in.parameter_filters));
    if (wanted) found.push_back(std::move(row));
  }
  DescribeParametersResponse out;
  out.next_token = store::cut_page(
      found, std::size_t(in.max_results.value_or(50)), [](const auto& row) { return row.id; },
      "describe");
  out.parameters.present = true;
  for (const ParameterRow& row : found) {
    const VersionRecord& version = row.value.latest();
    ParameterMetadata entry{.name = row.value.name,
                            .arn = arn_of(ctx.scope, row.value.name),
                            .type = version.type,
                            .last_modified_date = version.modified,
                            .last_modified_user = version.user,
                            .version = version.number,
                            .tier = version.tier,
                            .data_type = version.data_type};
    if (!version.key_id.empty()) entry.key_id = version.key_id;
    if (!version.description.empty()) entry.description = version.description;
    entry.policies = to_policies(version);
    out.parameters.push_back(std::move(entry));
  }
  co_return out;
}

// A label is on one version: given to another, it moves.
task<Result<LabelParameterVersionResponse>> label_parameter_version(
    Ssm& ssm, const RequestContext& ctx, LabelParameterVersionRequest in) {
  LF_CO_OK(ssm.authorize(ctx, "LabelParameterVersion", in.name));
  const auto row = ssm.find(ctx.scope, in.name);
  if (!row) co_return not_found(in.name);
  LabelParameterVersionResponse out;
  out.invalid_labels.present = true;
  std::vector<std::string> labels;
  for (const std::string& label : in.labels) {
    if (valid_label(label)) {
      labels.push_back(label);
    } else {
      out.invalid_labels.push_back(label);
    }
  }
  const auto change = [&](ParameterRecord& parameter) -> Result<bool> {
    const std::int64_t number = in.parameter_version.value_or(parameter.latest().number);
    const auto version = std::ranges::find(parameter.versions, number, &VersionRecord::number);
    if (version == parameter.versions.end()) return no_version(in.name, number);
    for (const std::string& label : labels) {
      for (VersionRecord& other : parameter.versions) other.labels.erase(label);
      version->labels.insert(label);
    }
    if (version->labels.size() > kMostLabels) {
      return errors::parameter_version_label_limit_exceeded(
          "A parameter version can have maximum 10 labels.");
    }
    out.parameter_version = number;
    return true;
  };
  LF_CO_OK(co_await ssm.parameters(ctx.scope).update(row->id, change));
  co_return out;
}

task<Result<UnlabelParameterVersionResponse>> unlabel_parameter_version(
    Ssm& ssm, const RequestContext& ctx, UnlabelParameterVersionRequest in) {
  LF_CO_OK(ssm.authorize(ctx, "UnlabelParameterVersion", in.name));
  const auto row = ssm.find(ctx.scope, in.name);
  if (!row) co_return not_found(in.name);
  UnlabelParameterVersionResponse out;
  const auto change = [&](ParameterRecord& parameter) -> Result<bool> {
    out = {};
    out.removed_labels.present = out.invalid_labels.present = true;
    const auto version =
        std::ranges::find(parameter.versions, in.parameter_version, &VersionRecord::number);
    if (version == parameter.versions.end()) return no_version(in.name, in.parameter_version);
    for (const std::string& label : in.labels) {
      (version->labels.erase(label) ? out.removed_labels : out.invalid_labels).push_back(label);
    }
    return true;
  };
  LF_CO_OK(co_await ssm.parameters(ctx.scope).update(row->id, change));
  co_return out;
}

}  // namespace landfall::ssm
