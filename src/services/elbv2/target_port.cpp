#include "services/elbv2/target_port.h"

#include "services/elbv2/attributes.h"
#include "services/elbv2/find.h"
#include "services/elbv2/rules.h"
#include "services/elbv2/targets.h"

namespace landfall::elbv2 {
namespace {

wire::List<TargetDescription> one(std::string id, int port) {
  wire::List<TargetDescription> out;
  TargetDescription& target = out.emplace_back();
  target.id = std::move(id);
  target.port = port;
  return out;
}

// A rule, a default rule or a listener, with the actions to change.
struct Forwarder {
  ListenerRow listener;
  std::optional<RuleRow> rule;  // none: the listener's default actions
  wire::List<Action>& actions() {
    return rule ? rule->value.actions : listener.value.default_actions;
  }
};

Result<Forwarder> find_forwarder(const Tables& tables, const Scope& scope, const std::string& arn) {
  if (auto listener = elbv2::find_listener(tables, scope, arn))
    return Forwarder{std::move(*listener), {}};
  LF_TRY(found, elbv2::find_rule(tables, scope, arn));
  return Forwarder{std::move(found.listener), std::move(found.rule)};
}

Action* forward_action(wire::List<Action>& actions) {
  const auto found = std::ranges::find_if(actions, [](const Action& action) {
    return action.type == "forward" && action.forward_config;
  });
  return found == actions.end() ? nullptr : &*found;
}

}  // namespace

std::optional<TargetGroupInfo> TargetPort::find_target_group(const Scope& scope,
                                                             std::string_view arn) {
  const Tables tables = elbv2_.tables(scope);
  const auto row = elbv2::find_target_group(tables, scope, std::string(arn));
  if (!row) return {};
  const TargetGroupRecord& group = row->value;
  const auto balancer = balancer_of(tables, group);
  return TargetGroupInfo{group.arn(),
                         group.name,
                         group.target_type,
                         group.protocol,
                         group.vpc_id,
                         group.port,
                         balancer ? balancer->arn() : "",
                         attribute_number(attribute_owner(group), group.attributes,
                                          "deregistration_delay.timeout_seconds")};
}

task<Result<void>> TargetPort::register_target(Scope scope, std::string group_arn, std::string id,
                                               int port) {
  auto guard = co_await elbv2_.writing.enter();
  LF_CO_TRY(row, elbv2::find_target_group(elbv2_.tables(scope), scope, group_arn));
  store::Transaction transaction;
  LF_CO_OK(
      add_targets(elbv2_, row.value, one(std::move(id), port), elbv2_.clock.now(), transaction));
  co_return co_await commit(elbv2_, std::move(guard), std::move(transaction));
}

task<Result<void>> TargetPort::deregister_target(Scope scope, std::string group_arn, std::string id,
                                                 int port) {
  auto guard = co_await elbv2_.writing.enter();
  const auto row = elbv2::find_target_group(elbv2_.tables(scope), scope, group_arn);
  if (!row) co_return Result<void>();
  store::Transaction transaction;
  const auto removed =
      remove_targets(elbv2_, row->value, one(std::move(id), port), elbv2_.clock.now(), transaction);
  if (!removed && removed.error().code == "InvalidTarget") co_return Result<void>();
  LF_CO_OK(removed);
  co_return co_await commit(elbv2_, std::move(guard), std::move(transaction));
}

Health TargetPort::target_health(const Scope& scope, std::string_view group_arn,
                                 std::string_view id, int port) {
  const Tables tables = elbv2_.tables(scope);
  const auto group = elbv2::find_target_group(tables, scope, std::string(group_arn));
  TargetRecord wanted;
  wanted.id = id;
  wanted.port = port;
  const auto target = group ? tables.targets.get(target_key(group->value, wanted)) : std::nullopt;
  if (!target)
    return {"unused", "Target.NotRegistered", "Target is not registered to the target group", {}};
  const auto balancer = balancer_of(tables, group->value);
  return health_of(elbv2_, group->value, target->value, balancer ? &*balancer : nullptr);
}

std::optional<Weights> TargetPort::traffic(const Scope& scope, std::string_view rule_arn) {
  auto found = find_forwarder(elbv2_.tables(scope), scope, std::string(rule_arn));
  if (!found) return {};
  const Action* forward = forward_action(found->actions());
  if (!forward) return {};
  Weights out;
  for (const TargetGroupTuple& tuple : forward->forward_config->target_groups)
    out[tuple.target_group_arn.value_or("")] = tuple.weight.value_or(1);
  return out;
}

task<Result<void>> TargetPort::set_traffic(Scope scope, std::string rule_arn, Weights weights) {
  const Tables tables = elbv2_.tables(scope);
  auto guard = co_await elbv2_.writing.enter();
  LF_CO_TRY(found, find_forwarder(tables, scope, rule_arn));
  Action* forward = forward_action(found.actions());
  if (!forward)
    co_return fail("ValidationError", fmt::format("'{}' does not forward requests", rule_arn));
  forward->target_group_arn.reset();
  auto& groups = forward->forward_config->target_groups;
  groups.clear();
  for (const auto& [arn, weight] : weights) {
    TargetGroupTuple& tuple = groups.emplace_back();
    tuple.target_group_arn = arn;
    tuple.weight = weight;
  }
  const ListenerRecord& listener = found.listener.value;
  LF_CO_TRY(actions, normalize_actions(listener, found.actions()));
  const auto balancer = tables.load_balancers.get(listener.load_balancer_name);
  LF_CO_OK(check_target_groups(tables, listener, balancer ? balancer->value.vpc_id : "", actions));
  found.actions() = std::move(actions);
  store::Transaction transaction;
  transaction.operations.push_back(
      found.rule ? store::Operation(tables.rules.put(found.rule->id, found.rule->value))
                 : store::Operation(tables.listeners.put(found.listener.id, listener)));
  co_return co_await commit(elbv2_, std::move(guard), std::move(transaction));
}

std::vector<TargetInfo> TargetPort::targets(const Scope& scope, std::string_view group_arn) {
  const Tables tables = elbv2_.tables(scope);
  std::vector<TargetInfo> out;
  const auto row = elbv2::find_target_group(tables, scope, std::string(group_arn));
  if (!row) return out;
  const auto balancer = balancer_of(tables, row->value);
  for (const auto& target : targets_of(tables, row->value)) {
    out.push_back({target.value.id, target.value.port,
                   health_of(elbv2_, row->value, target.value, balancer ? &*balancer : nullptr)});
  }
  return out;
}

}  // namespace landfall::elbv2
