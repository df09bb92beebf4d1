// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteLoadBalancer.html
#include "services/elbv2/attributes.h"
#include "services/elbv2/find.h"
#include "wire/elbv2/errors.h"
#include "wire/elbv2/operations.h"

namespace landfall::elbv2 {

// Gone from the API at once, with its listeners and rules; the controller removes its interfaces
// and name. Deleting what does not exist succeeds, as on AWS.
task<Result<DeleteLoadBalancerResponse>> delete_load_balancer(Elbv2& elbv2,
                                                              const RequestContext& ctx,
                                                              DeleteLoadBalancerRequest in) {
  const Tables tables = elbv2.tables(ctx.scope);
  auto guard = co_await elbv2.writing.enter();
  const auto row = find_load_balancer(tables, ctx.scope, in.load_balancer_arn);
  if (!row) {
    if (row.error().code == "LoadBalancerNotFound") co_return DeleteLoadBalancerResponse{};
    co_return std::unexpected(row.error());
  }
  const LoadBalancerRecord& balancer = row->value;
  if (attribute_flag(attribute_owner(balancer), balancer.attributes,
                     "deletion_protection.enabled")) {
    co_return errors::operation_not_permitted(
        fmt::format("Load balancer '{}' cannot be deleted because deletion protection is enabled",
                    in.load_balancer_arn));
  }
  store::Transaction transaction;
  for (const auto& listener : listeners_of(tables, balancer)) {
    transaction.operations.push_back(tables.listeners.remove(listener.id));
    for (const auto& rule : rules_of(tables, listener.value))
      transaction.operations.push_back(tables.rules.remove(rule.id));
  }
  transaction.operations.push_back(tables.load_balancers.remove(balancer.name));
  transaction.operations.push_back(tables.removed.put(balancer.id, balancer));
  transaction.operations.push_back(elbv2.events.forget(balancer.arn()));
  LF_CO_OK(co_await commit(elbv2, std::move(guard), std::move(transaction)));
  co_return DeleteLoadBalancerResponse{};
}

}  // namespace landfall::elbv2
