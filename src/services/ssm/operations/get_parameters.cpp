// operations: GetParameter, GetParameters, GetParametersByPath, GetParameterHistory
#include "services/ssm/shapes.h"

namespace landfall::ssm {
namespace {

constexpr const char* kNotFound = "Parameter {} not found.";

// Those below `path` that pass, after one of them, each with what a page token names. Public ones
// are seen by who asks for their path only.
using Candidates = std::vector<std::pair<std::string, ParameterRecord>>;
Result<Candidates> candidates(const Ssm& ssm, const Scope& scope, const std::string& path,
                              const std::string& after,
                              const wire::List<ParameterStringFilter>& filters) {
  Candidates out;
  if ((path + "/").starts_with(kPublicPath)) {
    for (auto it = ssm.published.all().upper_bound(after); it != ssm.published.all().end(); ++it) {
      LF_TRY(wanted, passes(it->second, filters));
      if (wanted) out.emplace_back(*it);
    }
    return out;
  }
  for (auto& row : ssm.list(scope, after)) {
    LF_TRY(wanted, passes(row.value, filters));
    if (wanted) out.emplace_back(row.id, std::move(row.value));
  }
  return out;
}

}  // namespace

task<Result<GetParameterResponse>> get_parameter(Ssm& ssm, const RequestContext& ctx,
                                                 GetParameterRequest in) {
  const Selector wanted = parse_selector(ctx.scope, in.name);
  const auto found = ssm.find_readable(ctx.scope, wanted.name);
  LF_CO_OK(ssm.authorize(ctx, "GetParameter", found ? found->name : wanted.name));
  if (!found) co_return errors::parameter_not_found("");
  const VersionRecord* version = select(*found, wanted.selector);
  if (!version) {
    co_return errors::parameter_version_not_found(fmt::format(
        "Systems Manager could not find version {} of {}. Verify the version and try again.",
        wanted.selector.substr(1), wanted.name));
  }
  LF_CO_TRY(parameter, co_await to_parameter(ssm, ctx, found->name, *version,
                                             in.with_decryption.value_or(false)));
  if (!wanted.selector.empty()) parameter.selector = wanted.selector;
  co_return GetParameterResponse{.parameter = std::move(parameter)};
}

// What is not there is listed, not refused; what may not be read refuses the whole.
task<Result<GetParametersResponse>> get_parameters(Ssm& ssm, const RequestContext& ctx,
                                                   GetParametersRequest in) {
  GetParametersResponse out;
  out.parameters.present = out.invalid_parameters.present = true;
  for (const std::string& reference : in.names) {
    const Selector wanted = parse_selector(ctx.scope, reference);
    const auto found = ssm.find_readable(ctx.scope, wanted.name);
    LF_CO_OK(ssm.authorize(ctx, "GetParameters", found ? found->name : wanted.name));
    const VersionRecord* version = found ? select(*found, wanted.selector) : nullptr;
    if (!version) {
      out.invalid_parameters.push_back(reference);
      continue;
    }
    LF_CO_TRY(parameter, co_await to_parameter(ssm, ctx, found->name, *version,
                                               in.with_decryption.value_or(false)));
    if (!wanted.selector.empty()) parameter.selector = wanted.selector;
    out.parameters.push_back(std::move(parameter));
  }
  co_return out;
}

task<Result<GetParametersByPathResponse>> get_parameters_by_path(Ssm& ssm,
                                                                 const RequestContext& ctx,
                                                                 GetParametersByPathRequest in) {
  if (!in.path.starts_with('/')) {
    co_return fail("ValidationException", "The parameter path must start with a slash.");
  }
  LF_CO_OK(ssm.authorize(ctx, "GetParametersByPath", in.path));
  LF_CO_TRY(after, read_page("by-path", in.next_token));
  wire::List<ParameterStringFilter> filters = in.parameter_filters;
  ParameterStringFilter path;
  path.key = "Path";
  path.option = in.recursive.value_or(false) ? "Recursive" : "OneLevel";
  path.values = {in.path};
  filters.push_back(std::move(path));
  LF_CO_TRY(found, candidates(ssm, ctx.scope, in.path, after, filters));
  GetParametersByPathResponse out;
  out.next_token = store::cut_page(
      found, std::size_t(in.max_results.value_or(10)), [](const auto& item) { return item.first; },
      "by-path");
  out.parameters.present = true;
  for (const auto& [id, record] : found) {
    LF_CO_TRY(parameter, co_await to_parameter(ssm, ctx, record.name, record.latest(),
                                               in.with_decryption.value_or(false)));
    out.parameters.push_back(std::move(parameter));
  }
  co_return out;
}

task<Result<GetParameterHistoryResponse>> get_parameter_history(Ssm& ssm, const RequestContext& ctx,
                                                                GetParameterHistoryRequest in) {
  const auto row = ssm.find(ctx.scope, in.name);
  LF_CO_OK(ssm.authorize(ctx, "GetParameterHistory", in.name));
  if (!row) co_return errors::parameter_not_found(fmt::format(fmt::runtime(kNotFound), in.name));
  LF_CO_TRY(after, read_page("history", in.next_token));
  std::vector<std::pair<std::string, ParameterHistory>> all;
  for (const VersionRecord& version : row->value.versions) {
    std::string id = fmt::format("{:012}", version.number);
    if (id <= after) continue;
    LF_CO_TRY(parameter, co_await to_parameter(ssm, ctx, row->value.name, version,
                                               in.with_decryption.value_or(false)));
    ParameterHistory entry{.name = row->value.name,
                           .type = version.type,
                           .last_modified_date = version.modified,
                           .last_modified_user = version.user,
                           .value = parameter.value,
                           .version = version.number,
                           .tier = version.tier,
                           .data_type = version.data_type};
    if (!version.key_id.empty()) entry.key_id = version.key_id;
    if (!version.description.empty()) entry.description = version.description;
    entry.labels.present = true;
    entry.policies = to_policies(version);
    for (const std::string& label : version.labels) entry.labels.push_back(label);
    all.emplace_back(std::move(id), std::move(entry));
  }
  GetParameterHistoryResponse out;
  out.next_token = store::cut_page(
      all, std::size_t(in.max_results.value_or(50)), [](const auto& item) { return item.first; },
      "history");
  out.parameters.present = true;
  for (auto& [id, entry] : all) out.parameters.push_back(std::move(entry));
  co_return out;
}

}  // namespace landfall::ssm
