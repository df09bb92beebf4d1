// operations: AssociateRouteTable, DisassociateRouteTable, ReplaceRouteTableAssociation
#include "services/ec2/operations/operation.h"

namespace landfall::ec2 {
namespace {

struct FoundAssociation {
  RouteTableRecord table;
  std::size_t index;
  const RouteTableAssociationRecord& record() const { return table.associations[index]; }
};

Result<FoundAssociation> find_association(const Tables& tables, std::string_view id) {
  for (auto& row : tables.route_tables.list()) {
    const auto& all = row.value.associations;
    const auto found = std::ranges::find(all, id, &RouteTableAssociationRecord::id);
    if (found == all.end()) continue;
    const auto index = static_cast<std::size_t>(found - all.begin());
    return FoundAssociation{std::move(row.value), index};
  }
  return no_such(kinds::kRouteTableAssociation, id);
}

}  // namespace

task<Result<AssociateRouteTableResponse>> associate_route_table(Ec2& ec2, const RequestContext& ctx,
                                                                AssociateRouteTableRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  if (in.gateway_id || in.public_ipv4_pool) {
    co_return fail("InvalidParameterValue",
                   "Route tables can be associated with subnets; gateway route tables are not "
                   "offered here.");
  }
  if (!in.subnet_id) {
    co_return fail("MissingParameter", "The request must contain the parameter subnetId");
  }
  AssociateRouteTableResponse out;
  std::string vpc_id;
  {
    const auto guard = co_await ec2.writing.enter();
    LF_CO_TRY(row, find(tables.route_tables, kinds::kRouteTable, in.route_table_id));
    LF_CO_TRY(subnet, find(tables.subnets, kinds::kSubnet, *in.subnet_id));
    vpc_id = row.value.vpc_id;
    if (subnet.value.vpc_id != vpc_id) {
      co_return fail("InvalidParameterValue",
                     fmt::format("Route table {} and subnet {} belong to different networks",
                                 row.id, subnet.id));
    }
    out.association_state.emplace().state = "associated";
    for (const auto& table : tables.route_tables.list()) {
      for (const RouteTableAssociationRecord& association : table.value.associations) {
        if (association.subnet_id != subnet.id) continue;
        if (table.id != row.id) {
          co_return fail("Resource.AlreadyAssociated",
                         fmt::format("the specified association for route table {} conflicts with "
                                     "an existing association",
                                     row.id));
        }
        out.association_id = association.id;
        co_return out;
      }
    }
    row.value.associations.push_back({ec2.new_id("rtbassoc"), subnet.id});
    out.association_id = row.value.associations.back().id;
    LF_CO_OK(co_await save(ec2, tables.route_tables, row.value));
  }
  co_await wait_in_force(ec2, ctx.scope, vpc_id);
  co_return out;
}

// The subnet falls back to the main table.
task<Result<DisassociateRouteTableResponse>> disassociate_route_table(
    Ec2& ec2, const RequestContext& ctx, DisassociateRouteTableRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  std::string vpc_id;
  {
    const auto guard = co_await ec2.writing.enter();
    LF_CO_TRY(found, find_association(tables, in.association_id));
    if (found.record().subnet_id.empty()) {
      co_return fail("InvalidParameterValue",
                     fmt::format("cannot disassociate the main route table association {}",
                                 in.association_id));
    }
    vpc_id = found.table.vpc_id;
    found.table.associations.erase(found.table.associations.begin() +
                                   static_cast<std::ptrdiff_t>(found.index));
    LF_CO_OK(co_await save(ec2, tables.route_tables, found.table));
  }
  co_await wait_in_force(ec2, ctx.scope, vpc_id);
  co_return DisassociateRouteTableResponse{};
}

// Also how another table becomes the main one.
task<Result<ReplaceRouteTableAssociationResponse>> replace_route_table_association(
    Ec2& ec2, const RequestContext& ctx, ReplaceRouteTableAssociationRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  ReplaceRouteTableAssociationResponse out;
  out.association_state.emplace().state = "associated";
  std::string vpc_id;
  {
    const auto guard = co_await ec2.writing.enter();
    LF_CO_TRY(found, find_association(tables, in.association_id));
    LF_CO_TRY(row, find(tables.route_tables, kinds::kRouteTable, in.route_table_id));
    vpc_id = row.value.vpc_id;
    if (found.table.vpc_id != vpc_id) {
      co_return fail("InvalidParameterValue",
                     fmt::format("Route table {} and association {} belong to different networks",
                                 row.id, in.association_id));
    }
    if (found.table.id == row.id) {
      out.new_association_id = in.association_id;
      co_return out;
    }
    const RouteTableAssociationRecord moved{ec2.new_id("rtbassoc"), found.record().subnet_id};
    found.table.associations.erase(found.table.associations.begin() +
                                   static_cast<std::ptrdiff_t>(found.index));
    row.value.associations.push_back(moved);
    store::Transaction transaction;
    transaction.operations = {tables.route_tables.put(found.table.id, found.table),
                              tables.route_tables.put(row.id, row.value)};
    if (moved.subnet_id.empty()) {
      LF_CO_TRY(vpc, find(tables.vpcs, kinds::kVpc, vpc_id));
      vpc.value.main_route_table_id = row.id;
      transaction.operations.push_back(tables.vpcs.put(vpc.id, vpc.value));
    }
    LF_CO_OK(co_await commit(ec2, std::move(transaction)));
    out.new_association_id = moved.id;
  }
  co_await wait_in_force(ec2, ctx.scope, vpc_id);
  co_return out;
}

}  // namespace landfall::ec2
