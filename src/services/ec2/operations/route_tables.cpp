// operations: CreateRouteTable, DeleteRouteTable, DescribeRouteTables
#include "services/ec2/operations/operation.h"

namespace landfall::ec2 {

task<Result<CreateRouteTableResponse>> create_route_table(Ec2& ec2, const RequestContext& ctx,
                                                          CreateRouteTableRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  LF_CO_TRY(tags, read_tags(in.tag_specifications, kinds::kRouteTable));
  const auto guard = co_await ec2.writing.enter();
  const ClientToken token{in.client_token.value_or(""), in.vpc_id};
  LF_CO_TRY(before, made_before(tables.route_tables, token));
  LF_CO_OK(find(tables.vpcs, kinds::kVpc, in.vpc_id));
  RouteTableRecord table;
  if (before) {
    table = std::move(*before);
  } else {
    table.id = ec2.new_id("rtb");
    table.vpc_id = in.vpc_id;
    table.made_by = token;
    table.tags = tags;
    LF_CO_OK(co_await save(ec2, tables.route_tables, table));
  }
  CreateRouteTableResponse out;
  out.route_table = describe(tables, table);
  out.client_token = in.client_token;
  co_return out;
}

task<Result<DescribeRouteTablesResponse>> describe_route_tables(Ec2& ec2, const RequestContext& ctx,
                                                                DescribeRouteTablesRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  LF_CO_TRY(page, select(tables.route_tables.list(),
                         {kinds::kRouteTable, in.route_table_ids, in.filters, in.max_results,
                          in.next_token},
                         facts_in<RouteTableRecord>(tables)));
  DescribeRouteTablesResponse out;
  for (const RouteTableRecord& table : page.items) {
    out.route_tables.push_back(describe(tables, table));
  }
  out.next_token = page.next_token;
  co_return out;
}

// Neither the main table nor one that a subnet uses.
task<Result<DeleteRouteTableResponse>> delete_route_table(Ec2& ec2, const RequestContext& ctx,
                                                          DeleteRouteTableRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  const auto guard = co_await ec2.writing.enter();
  LF_CO_TRY(row, find(tables.route_tables, kinds::kRouteTable, in.route_table_id));
  if (!row.value.associations.empty()) co_return dependency_violation("routeTable", row.id);
  LF_CO_OK(co_await commit(ec2, {{}, {tables.route_tables.remove(row.id)}}));
  co_return DeleteRouteTableResponse{};
}

}  // namespace landfall::ec2
