// operations: DeleteListener, DescribeListeners, DescribeListenerAttributes
// operations: ModifyListenerAttributes
#include "services/elbv2/attributes.h"
#include "services/elbv2/find.h"
#include "services/elbv2/shapes.h"
#include "wire/elbv2/errors.h"
#include "wire/elbv2/operations.h"

namespace landfall::elbv2 {

task<Result<DeleteListenerResponse>> delete_listener(Elbv2& elbv2, const RequestContext& ctx,
                                                     DeleteListenerRequest in) {
  const Tables tables = elbv2.tables(ctx.scope);
  auto guard = co_await elbv2.writing.enter();
  LF_CO_TRY(row, find_listener(tables, ctx.scope, in.listener_arn));
  store::Transaction transaction;
  transaction.operations.push_back(tables.listeners.remove(row.id));
  for (const auto& rule : rules_of(tables, row.value))
    transaction.operations.push_back(tables.rules.remove(rule.id));
  LF_CO_OK(co_await commit(elbv2, std::move(guard), std::move(transaction)));
  co_return DeleteListenerResponse{};
}

task<Result<DescribeListenersResponse>> describe_listeners(Elbv2& elbv2, const RequestContext& ctx,
                                                           DescribeListenersRequest in) {
  if (in.load_balancer_arn.has_value() == !in.listener_arns.empty()) {
    co_return fail("ValidationError",
                   "You must specify either listener ARNs or a load balancer ARN");
  }
  const Tables tables = elbv2.tables(ctx.scope);
  std::vector<ListenerRow> found;
  if (in.load_balancer_arn) {
    LF_CO_TRY(balancer, find_load_balancer(tables, ctx.scope, *in.load_balancer_arn));
    found = listeners_of(tables, balancer.value);
  }
  for (const std::string& arn : in.listener_arns) {
    auto row = find_listener(tables, ctx.scope, arn);
    if (!row && row.error().code == "ListenerNotFound")
      co_return errors::listener_not_found("One or more listeners not found");
    if (!row) co_return std::unexpected(row.error());
    found.push_back(std::move(*row));
  }
  DescribeListenersResponse out;
  LF_CO_TRY(next, page(found, "listeners", in.marker, in.page_size,
                       [](const ListenerRow& row) { return row.id; }));
  out.next_marker = next;
  for (const ListenerRow& row : found) out.listeners.push_back(to_shape(row.value));
  co_return out;
}

task<Result<DescribeListenerAttributesResponse>> describe_listener_attributes(
    Elbv2& elbv2, const RequestContext& ctx, DescribeListenerAttributesRequest in) {
  LF_CO_TRY(row, find_listener(elbv2.tables(ctx.scope), ctx.scope, in.listener_arn));
  DescribeListenerAttributesResponse out;
  out.attributes = attribute_shapes<ListenerAttribute>(
      with_defaults(attribute_owner(row.value), row.value.attributes));
  co_return out;
}

task<Result<ModifyListenerAttributesResponse>> modify_listener_attributes(
    Elbv2& elbv2, const RequestContext& ctx, ModifyListenerAttributesRequest in) {
  const Tables tables = elbv2.tables(ctx.scope);
  auto guard = co_await elbv2.writing.enter();
  LF_CO_TRY(row, find_listener(tables, ctx.scope, in.listener_arn));
  LF_CO_OK(set_attributes(attribute_owner(row.value), row.value.attributes,
                          attribute_changes(in.attributes)));
  LF_CO_OK(
      co_await commit(elbv2, std::move(guard), {{}, {tables.listeners.put(row.id, row.value)}}));
  ModifyListenerAttributesResponse out;
  out.attributes = attribute_shapes<ListenerAttribute>(
      with_defaults(attribute_owner(row.value), row.value.attributes));
  co_return out;
}

}  // namespace landfall::elbv2
