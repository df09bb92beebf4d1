// operations: CreateRule, ModifyRule, DeleteRule, SetRulePriorities
#include "services/elbv2/rules.h"

#include "services/elbv2/authentication.h"
#include "services/elbv2/find.h"
#include "services/elbv2/shapes.h"
#include "wire/elbv2/errors.h"
#include "wire/elbv2/operations.h"

namespace landfall::elbv2 {
namespace {

constexpr std::size_t kMostRules = 100;  // of a load balancer, default rules not counted
constexpr int kLowestPriority = 50000;

Result<void> check_priority(int priority) {
  if (priority >= 1 && priority <= kLowestPriority) return {};
  return fail("ValidationError",
              fmt::format("A rule priority must be between 1 and {}", kLowestPriority));
}

Result<void> check_listener_has_rules(const ListenerRecord& listener) {
  if (listener.load_balancer_type == "application") return {};
  return errors::unsupported_protocol(
      fmt::format("Rules cannot be created for {} listeners", listener.protocol));
}

std::string vpc_of(const Tables& tables, const ListenerRecord& listener) {
  const auto balancer = tables.load_balancers.get(listener.load_balancer_name);
  return balancer ? balancer->value.vpc_id : "";
}

}  // namespace

task<Result<CreateRuleResponse>> create_rule(Elbv2& elbv2, const RequestContext& ctx,
                                             CreateRuleRequest in) {
  const Tables tables = elbv2.tables(ctx.scope);
  auto guard = co_await elbv2.writing.enter();
  LF_CO_TRY(row, find_listener(tables, ctx.scope, in.listener_arn));
  const ListenerRecord& listener = row.value;
  LF_CO_OK(check_listener_has_rules(listener));
  LF_CO_OK(check_priority(in.priority));
  LF_CO_OK(check_transforms(in.transforms));
  RuleRecord rule;
  rule.transforms = in.transforms;
  rule.id = elbv2.new_id();
  rule.listener_key = listener.key();
  rule.priority = in.priority;
  LF_CO_TRY(conditions, normalize_conditions(in.conditions));
  rule.conditions = std::move(conditions);
  LF_CO_TRY(actions, normalize_actions(listener, in.actions));
  LF_CO_OK(seal_secrets(elbv2.sealer, rule.key(), actions, nullptr));
  rule.actions = std::move(actions);
  LF_CO_TRY(tags, read_tags(in.tags));
  rule.tags = std::move(tags);
  for (const auto& other : rules_of(tables, listener)) {
    if (other.value.priority == rule.priority) {
      co_return errors::priority_in_use(
          fmt::format("Priority '{}' is currently in use", rule.priority));
    }
  }
  if (tables.rules.list(listener.load_balancer_id + "/").size() >= kMostRules) {
    co_return errors::too_many_rules(
        fmt::format("A load balancer can have at most {} rules", kMostRules));
  }
  LF_CO_OK(check_target_groups(tables, listener, vpc_of(tables, listener), rule.actions));
  LF_CO_OK(co_await commit(elbv2, std::move(guard), {{}, {tables.rules.put(rule.key(), rule)}}));
  CreateRuleResponse out;
  out.rules.push_back(to_shape(listener, rule));
  co_return out;
}

task<Result<ModifyRuleResponse>> modify_rule(Elbv2& elbv2, const RequestContext& ctx,
                                             ModifyRuleRequest in) {
  const Tables tables = elbv2.tables(ctx.scope);
  auto guard = co_await elbv2.writing.enter();
  LF_CO_TRY(found, find_rule(tables, ctx.scope, in.rule_arn));
  if (!found.rule) {
    co_return errors::operation_not_permitted(
        fmt::format("Default rule '{}' cannot be modified", in.rule_arn));
  }
  const bool reset = in.reset_transforms.value_or(false);
  if (reset && in.transforms.given())
    co_return fail("ValidationError", "Specify either Transforms or ResetTransforms, not both");
  LF_CO_OK(check_transforms(in.transforms));
  const ListenerRecord& listener = found.listener.value;
  RuleRecord& rule = found.rule->value;
  if (in.conditions.given()) {
    LF_CO_TRY(conditions, normalize_conditions(in.conditions));
    rule.conditions = std::move(conditions);
  }
  if (in.actions.given()) {
    LF_CO_TRY(actions, normalize_actions(listener, in.actions));
    LF_CO_OK(seal_secrets(elbv2.sealer, rule.key(), actions, &rule.actions));
    rule.actions = std::move(actions);
    LF_CO_OK(check_target_groups(tables, listener, vpc_of(tables, listener), rule.actions));
  }
  if (reset || in.transforms.given()) rule.transforms = in.transforms;
  LF_CO_OK(co_await commit(elbv2, std::move(guard), {{}, {tables.rules.put(rule.key(), rule)}}));
  ModifyRuleResponse out;
  out.rules.push_back(to_shape(listener, rule));
  co_return out;
}

task<Result<DeleteRuleResponse>> delete_rule(Elbv2& elbv2, const RequestContext& ctx,
                                             DeleteRuleRequest in) {
  const Tables tables = elbv2.tables(ctx.scope);
  auto guard = co_await elbv2.writing.enter();
  LF_CO_TRY(found, find_rule(tables, ctx.scope, in.rule_arn));
  if (!found.rule) {
    co_return errors::operation_not_permitted(
        fmt::format("Default rule '{}' cannot be deleted", in.rule_arn));
  }
  LF_CO_OK(co_await commit(elbv2, std::move(guard), {{}, {tables.rules.remove(found.rule->id)}}));
  co_return DeleteRuleResponse{};
}

// All at once, so that two rules can change places.
task<Result<SetRulePrioritiesResponse>> set_rule_priorities(Elbv2& elbv2, const RequestContext& ctx,
                                                            SetRulePrioritiesRequest in) {
  const Tables tables = elbv2.tables(ctx.scope);
  auto guard = co_await elbv2.writing.enter();
  std::map<std::string, FoundRule> changed;  // by key
  for (const RulePriorityPair& pair : in.rule_priorities) {
    if (!pair.rule_arn || !pair.priority)
      co_return fail("ValidationError", "A rule ARN and a priority must be specified");
    LF_CO_OK(check_priority(*pair.priority));
    LF_CO_TRY(found, find_rule(tables, ctx.scope, *pair.rule_arn));
    if (!found.rule) {
      co_return errors::operation_not_permitted(
          fmt::format("The priority of default rule '{}' cannot be changed", *pair.rule_arn));
    }
    found.rule->value.priority = *pair.priority;
    const std::string key = found.rule->id;
    if (!changed.emplace(key, std::move(found)).second)
      co_return fail("ValidationError", "A rule is specified more than once");
  }
  std::set<std::pair<std::string, int>> taken;  // listener and priority
  std::set<std::string> listeners;
  for (const auto& [key, found] : changed) {
    listeners.insert(found.listener.id);
    if (!taken.emplace(found.listener.id, found.rule->value.priority).second) {
      co_return errors::priority_in_use(
          fmt::format("Priority '{}' is specified more than once", found.rule->value.priority));
    }
  }
  for (const std::string& listener : listeners) {
    for (const auto& other : tables.rules.list(listener + "/")) {
      if (!changed.contains(other.id) && taken.contains({listener, other.value.priority})) {
        co_return errors::priority_in_use(
            fmt::format("Priority '{}' is currently in use", other.value.priority));
      }
    }
  }
  store::Transaction transaction;
  SetRulePrioritiesResponse out;
  for (const auto& [key, found] : changed) {
    transaction.operations.push_back(tables.rules.put(key, found.rule->value));
    out.rules.push_back(to_shape(found.listener.value, found.rule->value));
  }
  LF_CO_OK(co_await commit(elbv2, std::move(guard), std::move(transaction)));
  co_return out;
}

}  // namespace landfall::elbv2
