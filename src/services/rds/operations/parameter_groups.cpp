// operations: CreateDBParameterGroup, DescribeDBParameterGroups, DeleteDBParameterGroup
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithParamGroups.html
#include "services/rds/parameter_groups.h"
#include "services/rds/shapes.h"
#include "wire/rds/errors.h"
#include "wire/rds/operations.h"

namespace landfall::rds {
namespace {

DBParameterGroup to_shape(const DbParameterGroup& group) {
  DBParameterGroup out;
  out.db_parameter_group_name = group.name;
  out.db_parameter_group_family = group.family;
  out.description = group.description;
  out.db_parameter_group_arn = group.arn();
  return out;
}

Result<std::string> check_group_name(std::string name) {
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  const bool good =
      !name.empty() && name.size() <= 255 && name[0] >= 'a' && name[0] <= 'z' &&
      !name.ends_with('-') && name.find("--") == std::string::npos &&
      std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
      });
  if (good) return name;
  return fail("InvalidParameterValue",
              "The parameter DBParameterGroupName is not a valid identifier. Identifiers must "
              "begin with a letter; must contain only ASCII letters, digits, and hyphens; and must "
              "not end with a hyphen or contain two consecutive hyphens.");
}

}  // namespace

task<Result<CreateDBParameterGroupResponse>> create_db_parameter_group(
    Rds& rds, const RequestContext& ctx, CreateDBParameterGroupRequest in) {
  LF_CO_TRY(name, check_group_name(in.db_parameter_group_name));
  LF_CO_OK(co_await parameter_catalogue(rds, in.db_parameter_group_family));
  LF_CO_TRY(tags, to_tags(in.tags));
  const auto exists = [&] {
    return errors::db_parameter_group_already_exists(
        fmt::format("Parameter group {} already exists", name));
  };
  if (default_group(rds, ctx.scope, name)) co_return exists();
  const DbParameterGroup group{
      name, ctx.scope.account, ctx.scope.region, in.db_parameter_group_family, in.description, {},
      tags};
  const auto table = rds.tables(ctx.scope).parameter_groups;
  LF_CO_TRY(done, co_await rds.store.commit({{table.absent(name)}, {table.put(name, group)}}));
  if (!done.succeeded) co_return exists();
  CreateDBParameterGroupResponse out;
  out.db_parameter_group = to_shape(group);
  co_return out;
}

task<Result<DescribeDBParameterGroupsResponse>> describe_db_parameter_groups(
    Rds& rds, const RequestContext& ctx, DescribeDBParameterGroupsRequest in) {
  LF_CO_TRY(page, page_request(in.max_records, in.marker));
  DescribeDBParameterGroupsResponse out;
  if (in.db_parameter_group_name) {
    LF_CO_TRY(group, find_group(rds, ctx.scope, *in.db_parameter_group_name));
    out.db_parameter_groups.push_back(to_shape(group));
    co_return out;
  }
  std::vector<DbParameterGroup> found;
  for (auto& row : rds.tables(ctx.scope).parameter_groups.list())
    found.push_back(std::move(row.value));
  std::set<int> majors;
  for (const auto& installed : co_await rds.installations()) majors.insert(installed.major());
  for (const int major : majors) {
    if (auto group = default_group(rds, ctx.scope, fmt::format("default.postgres{}", major)))
      found.push_back(std::move(*group));
  }
  std::ranges::sort(found, {}, &DbParameterGroup::name);
  auto cut =
      cut_page(std::move(found), page, [](const DbParameterGroup& item) { return item.name; });
  for (const DbParameterGroup& item : cut.items) out.db_parameter_groups.push_back(to_shape(item));
  out.marker = cut.marker;
  co_return out;
}

task<Result<DeleteDBParameterGroupResponse>> delete_db_parameter_group(
    Rds& rds, const RequestContext& ctx, DeleteDBParameterGroupRequest in) {
  if (default_group(rds, ctx.scope, in.db_parameter_group_name)) {
    co_return fail("InvalidParameterValue",
                   "Default parameter groups cannot be deleted or modified.");
  }
  LF_CO_TRY(group, find_group(rds, ctx.scope, in.db_parameter_group_name));
  const auto table = rds.tables(ctx.scope).parameter_groups;
  const auto row = table.get(group.name);
  for (const auto& used : rds.tables(ctx.scope).instances.list()) {
    if (used.value.parameter_group == group.name) {
      co_return errors::invalid_db_parameter_group_state(
          "One or more database instances are still members of this parameter group " + group.name +
          ", so the group cannot be deleted");
    }
  }
  if (row)
    LF_CO_OK(co_await rds.store.commit(
        {{table.unchanged(group.name, row->revision)}, {table.remove(group.name)}}));
  co_return DeleteDBParameterGroupResponse{};
}

}  // namespace landfall::rds
