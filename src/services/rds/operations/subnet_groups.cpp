// operations: CreateDBSubnetGroup, DescribeDBSubnetGroups, ModifyDBSubnetGroup, DeleteDBSubnetGroup
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html
#include "services/rds/settings.h"
#include "services/rds/shapes.h"
#include "wire/rds/errors.h"
#include "wire/rds/operations.h"

namespace landfall::rds {
namespace {

// Names are lower case, up to 255 letters, digits, spaces, and "_.-".
Result<std::string> check_name(std::string name) {
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  const bool good = !name.empty() && name.size() <= 255 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == ' ' || c == '_' || c == '.' ||
           c == '-';
  });
  if (!good) {
    return fail("InvalidParameterValue",
                "The parameter DBSubnetGroupName must be provided and must contain only letters, "
                "numbers, periods, "
                "underscores, spaces, or hyphens.");
  }
  return name;
}

// All of one VPC and over two zones at least.
Result<std::string> check_subnets(Rds& rds, const Scope& scope,
                                  const std::vector<std::string>& ids) {
  std::set<std::string> vpcs, zones;
  for (const std::string& id : ids) {
    const auto subnet = rds.ec2.find_subnet(scope, id);
    if (!subnet)
      return errors::invalid_subnet(fmt::format("The subnet ID '{}' does not exist", id));
    vpcs.insert(subnet->vpc_id);
    zones.insert(subnet->availability_zone);
  }
  if (vpcs.size() > 1)
    return errors::invalid_subnet("The specified subnets are in different VPCs.");
  if (zones.size() < 2) {
    return errors::db_subnet_group_does_not_cover_enough_azs(
        fmt::format("The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. "
                    "Current AZ coverage: "
                    "{}. Add subnets to cover at least 2 AZs.",
                    zones.empty() ? "none" : *zones.begin()));
  }
  return *vpcs.begin();
}

}  // namespace

task<Result<CreateDBSubnetGroupResponse>> create_db_subnet_group(Rds& rds,
                                                                 const RequestContext& ctx,
                                                                 CreateDBSubnetGroupRequest in) {
  LF_CO_TRY(name, check_name(in.db_subnet_group_name));
  const auto table = rds.tables(ctx.scope).subnet_groups;
  if (name == "default" || table.get(name)) {
    co_return errors::db_subnet_group_already_exists(
        fmt::format("The DB subnet group '{}' already exists.", name));
  }
  LF_CO_TRY(vpc, check_subnets(rds, ctx.scope, in.subnet_ids));
  LF_CO_TRY(tags, to_tags(in.tags));
  const DbSubnetGroup group{
      name, ctx.scope.account, ctx.scope.region, in.db_subnet_group_description, vpc, in.subnet_ids,
      tags};
  LF_CO_TRY(done, co_await rds.store.commit({{table.absent(name)}, {table.put(name, group)}}));
  if (!done.succeeded) {
    co_return errors::db_subnet_group_already_exists(
        fmt::format("The DB subnet group '{}' already exists.", name));
  }
  CreateDBSubnetGroupResponse out;
  out.db_subnet_group = to_shape(rds, group);
  co_return out;
}

task<Result<DescribeDBSubnetGroupsResponse>> describe_db_subnet_groups(
    Rds& rds, const RequestContext& ctx, DescribeDBSubnetGroupsRequest in) {
  LF_CO_TRY(page, page_request(in.max_records, in.marker));
  const auto table = rds.tables(ctx.scope).subnet_groups;
  DescribeDBSubnetGroupsResponse out;
  if (in.db_subnet_group_name) {
    LF_CO_TRY(name, check_name(*in.db_subnet_group_name));
    const auto row = table.get(name);
    if (!row)
      co_return errors::db_subnet_group_not_found(
          fmt::format("DB subnet group '{}' not found.", name));
    out.db_subnet_groups.push_back(to_shape(rds, row->value));
    co_return out;
  }
  std::vector<DbSubnetGroup> found;
  for (auto& row : table.list()) found.push_back(std::move(row.value));
  auto cut = cut_page(std::move(found), page, [](const DbSubnetGroup& item) { return item.name; });
  for (const DbSubnetGroup& item : cut.items) out.db_subnet_groups.push_back(to_shape(rds, item));
  out.marker = cut.marker;
  co_return out;
}

task<Result<ModifyDBSubnetGroupResponse>> modify_db_subnet_group(Rds& rds,
                                                                 const RequestContext& ctx,
                                                                 ModifyDBSubnetGroupRequest in) {
  LF_CO_TRY(name, check_name(in.db_subnet_group_name));
  LF_CO_TRY(vpc, check_subnets(rds, ctx.scope, in.subnet_ids));
  auto row = co_await rds.tables(ctx.scope).subnet_groups.update(
      name, [&](DbSubnetGroup& group) -> Result<bool> {
        if (group.vpc_id != vpc) {
          return errors::invalid_subnet(
              "The new Subnets are not in the same Vpc as the existing subnet group");
        }
        for (const auto& used : rds.tables(ctx.scope).instances.list()) {
          if (used.value.subnet_group == name &&
              std::ranges::find(in.subnet_ids, used.value.subnet_id) == in.subnet_ids.end()) {
            return errors::subnet_already_in_use(fmt::format(
                "The subnet {} is in use by {}.", used.value.subnet_id, used.value.identifier));
          }
        }
        group.subnet_ids = in.subnet_ids;
        if (in.db_subnet_group_description) group.description = *in.db_subnet_group_description;
        return true;
      });
  if (!row && row.error().code == "not-found") {
    co_return errors::db_subnet_group_not_found(
        fmt::format("DB subnet group '{}' not found.", name));
  }
  if (!row) co_return std::unexpected(row.error());
  ModifyDBSubnetGroupResponse out;
  out.db_subnet_group = to_shape(rds, row->value);
  co_return out;
}

task<Result<DeleteDBSubnetGroupResponse>> delete_db_subnet_group(Rds& rds,
                                                                 const RequestContext& ctx,
                                                                 DeleteDBSubnetGroupRequest in) {
  LF_CO_TRY(name, check_name(in.db_subnet_group_name));
  const auto table = rds.tables(ctx.scope).subnet_groups;
  const auto row = table.get(name);
  if (!row)
    co_return errors::db_subnet_group_not_found(
        fmt::format("DB subnet group '{}' not found.", name));
  for (const auto& used : rds.tables(ctx.scope).instances.list()) {
    if (used.value.subnet_group == name) {
      co_return errors::invalid_db_subnet_group_state(
          fmt::format("Cannot delete the subnet group '{}' because at least one database instance: "
                      "{} is still using it.",
                      name, used.value.identifier));
    }
  }
  LF_CO_TRY(done, co_await rds.store.commit(
                      {{table.unchanged(name, row->revision)}, {table.remove(name)}}));
  if (!done.succeeded)
    co_return errors::invalid_db_subnet_group_state("The subnet group was changed meanwhile.");
  co_return DeleteDBSubnetGroupResponse{};
}

}  // namespace landfall::rds
