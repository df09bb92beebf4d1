// operations: DescribeDBParameters, DescribeEngineDefaultParameters
// operations: ModifyDBParameterGroup, ResetDBParameterGroup
#include "services/rds/parameter_groups.h"
#include "services/rds/shapes.h"
#include "wire/rds/errors.h"
#include "wire/rds/operations.h"

namespace landfall::rds {
namespace {

Parameter to_shape(const ParameterFacts& facts, const ParameterSetting* set) {
  Parameter out;
  out.parameter_name = facts.setting.name;
  const bool by_user = set && set->value;
  if (by_user) {
    out.parameter_value = *set->value;
  } else if (!facts.standard.empty()) {
    out.parameter_value = facts.standard;
  }
  out.description = facts.setting.description;
  out.source = by_user ? "user" : facts.standard.empty() ? "engine-default" : "system";
  out.apply_type = facts.is_static() ? "static" : "dynamic";
  out.data_type = facts.data_type();
  if (const std::string allowed = facts.allowed_values(); !allowed.empty())
    out.allowed_values = allowed;
  out.is_modifiable = facts.modifiable;
  out.apply_method = by_user && set->immediate ? "immediate" : "pending-reboot";
  return out;
}

wire::List<Parameter> parameters_of(const ParameterCatalogue& catalogue,
                                    const DbParameterGroup& group,
                                    const std::optional<std::string>& source,
                                    const PageRequest& page, std::optional<std::string>& marker) {
  std::vector<Parameter> found;
  for (const auto& [name, facts] : catalogue) {
    const auto set = group.parameters.find(name);
    Parameter shape = to_shape(facts, set == group.parameters.end() ? nullptr : &set->second);
    if (!source || *shape.source == *source) found.push_back(std::move(shape));
  }
  auto cut = cut_page(std::move(found), page,
                      [](const Parameter& parameter) { return *parameter.parameter_name; });
  marker = cut.marker;
  wire::List<Parameter> out;
  for (Parameter& parameter : cut.items) out.push_back(std::move(parameter));
  return out;
}

// What a Modify or Reset asks of one parameter, checked.
struct Change {
  std::string name;
  ParameterSetting setting;
};

task<Result<Change>> read_change(Rds& rds, std::string family,
                                 std::shared_ptr<const ParameterCatalogue> catalogue, Parameter in,
                                 bool resetting) {
  if (!in.parameter_name || (!resetting && !in.parameter_value) || !in.apply_method) {
    co_return fail("InvalidParameterValue",
                   resetting ? "Each parameter needs ParameterName and ApplyMethod."
                             : "Each parameter needs ParameterName, ParameterValue and "
                               "ApplyMethod.");
  }
  std::string name = *in.parameter_name;
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  const auto known = catalogue->find(name);
  if (known == catalogue->end())
    co_return fail("InvalidParameterValue",
                   fmt::format("Could not find parameter with name: {}", *in.parameter_name));
  const ParameterFacts& facts = known->second;
  if (!facts.modifiable)
    co_return fail("InvalidParameterValue",
                   fmt::format("The parameter {} cannot be modified.", name));
  const bool immediate = *in.apply_method == "immediate";
  if (facts.is_static() && immediate) {
    co_return fail("InvalidParameterCombination",
                   fmt::format("cannot use immediate apply method for static parameter: {}", name));
  }
  if (!resetting) LF_CO_OK(co_await check_parameter(rds, family, facts, *in.parameter_value));
  Change change{name, {in.parameter_value, immediate}};
  if (resetting) change.setting.value.reset();
  co_return change;
}

task<Result<DbParameterGroup>> changeable_group(Rds& rds, Scope scope, std::string name) {
  if (default_group(rds, scope, name)) {
    co_return errors::invalid_db_parameter_group_state(
        fmt::format("The parameter group {} is a default group and cannot be modified.", name));
  }
  co_return find_group(rds, scope, std::move(name));
}

task<Result<void>> write_changes(Rds& rds, Scope scope, std::string name,
                                 std::vector<Change> changes) {
  auto done = co_await rds.tables(scope).parameter_groups.update(
      name, [&](DbParameterGroup& group) -> Result<bool> {
        for (const Change& change : changes) group.parameters[change.name] = change.setting;
        return true;
      });
  if (!done && done.error().code == "not-found")
    co_return errors::db_parameter_group_not_found("DBParameterGroup not found: " + name);
  if (!done) co_return std::unexpected(done.error());
  co_return Result<void>();
}

}  // namespace

task<Result<DescribeDBParametersResponse>> describe_db_parameters(Rds& rds,
                                                                  const RequestContext& ctx,
                                                                  DescribeDBParametersRequest in) {
  LF_CO_TRY(page, page_request(in.max_records, in.marker));
  LF_CO_TRY(group, find_group(rds, ctx.scope, in.db_parameter_group_name));
  LF_CO_TRY(catalogue, co_await parameter_catalogue(rds, group.family));
  DescribeDBParametersResponse out;
  out.parameters = parameters_of(*catalogue, group, in.source, page, out.marker);
  co_return out;
}

task<Result<DescribeEngineDefaultParametersResponse>> describe_engine_default_parameters(
    Rds& rds, const RequestContext&, DescribeEngineDefaultParametersRequest in) {
  LF_CO_TRY(page, page_request(in.max_records, in.marker));
  LF_CO_TRY(catalogue, co_await parameter_catalogue(rds, in.db_parameter_group_family));
  EngineDefaults defaults;
  defaults.db_parameter_group_family = in.db_parameter_group_family;
  defaults.parameters = parameters_of(*catalogue, {}, std::nullopt, page, defaults.marker);
  DescribeEngineDefaultParametersResponse out;
  out.engine_defaults = std::move(defaults);
  co_return out;
}

task<Result<ModifyDBParameterGroupResponse>> modify_db_parameter_group(
    Rds& rds, const RequestContext& ctx, ModifyDBParameterGroupRequest in) {
  LF_CO_TRY(group, co_await changeable_group(rds, ctx.scope, in.db_parameter_group_name));
  LF_CO_TRY(catalogue, co_await parameter_catalogue(rds, group.family));
  if (in.parameters.size() > 20)
    co_return fail("InvalidParameterValue", "At most 20 parameters can be modified at once.");
  std::vector<Change> changes;
  for (const Parameter& parameter : in.parameters) {
    LF_CO_TRY(change, co_await read_change(rds, group.family, catalogue, parameter, false));
    changes.push_back(std::move(change));
  }
  LF_CO_OK(co_await write_changes(rds, ctx.scope, group.name, std::move(changes)));
  ModifyDBParameterGroupResponse out;
  out.db_parameter_group_name = group.name;
  co_return out;
}

task<Result<ResetDBParameterGroupResponse>> reset_db_parameter_group(
    Rds& rds, const RequestContext& ctx, ResetDBParameterGroupRequest in) {
  LF_CO_TRY(group, co_await changeable_group(rds, ctx.scope, in.db_parameter_group_name));
  LF_CO_TRY(catalogue, co_await parameter_catalogue(rds, group.family));
  std::vector<Change> changes;
  if (in.reset_all_parameters.value_or(in.parameters.empty())) {
    if (!in.parameters.empty()) {
      co_return fail("InvalidParameterCombination",
                     "Parameters cannot be given together with ResetAllParameters.");
    }
    // Dynamic parameters at once, static ones at the next start.
    for (const auto& [name, set] : group.parameters) {
      const auto known = catalogue->find(name);
      const bool immediate = known != catalogue->end() && !known->second.is_static();
      changes.push_back({name, {std::nullopt, immediate}});
    }
  }
  for (const Parameter& parameter : in.parameters) {
    LF_CO_TRY(change, co_await read_change(rds, group.family, catalogue, parameter, true));
    changes.push_back(std::move(change));
  }
  LF_CO_OK(co_await write_changes(rds, ctx.scope, group.name, std::move(changes)));
  ResetDBParameterGroupResponse out;
  out.db_parameter_group_name = group.name;
  co_return out;
}

}  // namespace landfall::rds
