#include "services/elbv2/find.h"

#include "wire/elbv2/errors.h"

namespace landfall::elbv2 {
namespace {

using Kind = ResourceName::Kind;

std::unexpected<Error> not_an_arn(std::string_view what, const std::string& arn) {
  return fail("ValidationError", fmt::format("'{}' is not a valid {} ARN", arn, what));
}

// An ARN of another account or region is well formed, and of nothing here.
bool well_formed(const std::string& arn, std::string_view kind) {
  const auto parsed = Arn::parse(arn);
  return parsed && parsed->service == "elasticloadbalancing" &&
         parsed->resource.starts_with(fmt::format("{}/", kind));
}

}  // namespace

Result<LoadBalancerRow> find_load_balancer(const Tables& tables, const Scope& scope,
                                           const std::string& arn) {
  if (!well_formed(arn, "loadbalancer")) return not_an_arn("load balancer", arn);
  const auto name = parse_name(scope, arn);
  if (name && name->kind == Kind::load_balancer) {
    auto row = tables.load_balancers.get(name->name);
    if (row && row->value.arn() == arn) return std::move(*row);
  }
  return errors::load_balancer_not_found(fmt::format("Load balancer '{}' not found", arn));
}

Result<ListenerRow> find_listener(const Tables& tables, const Scope& scope,
                                  const std::string& arn) {
  if (!well_formed(arn, "listener")) return not_an_arn("listener", arn);
  const auto name = parse_name(scope, arn);
  if (name && name->kind == Kind::listener) {
    auto row = tables.listeners.get(name->listener_key());
    if (row && row->value.arn() == arn) return std::move(*row);
  }
  return errors::listener_not_found(fmt::format("Listener '{}' not found", arn));
}

Result<TargetGroupRow> find_target_group(const Tables& tables, const Scope& scope,
                                         const std::string& arn) {
  if (!well_formed(arn, "targetgroup")) return not_an_arn("target group", arn);
  const auto name = parse_name(scope, arn);
  if (name && name->kind == Kind::target_group) {
    auto row = tables.target_groups.get(name->name);
    if (row && row->value.arn() == arn) return std::move(*row);
  }
  return errors::target_group_not_found(fmt::format("Target group '{}' not found", arn));
}

Result<TrustStoreRow> find_trust_store(const Tables& tables, const Scope& scope,
                                       const std::string& arn) {
  if (!well_formed(arn, "truststore")) return not_an_arn("trust store", arn);
  const auto name = parse_name(scope, arn);
  if (name && name->kind == Kind::trust_store) {
    auto row = tables.trust_stores.get(name->name);
    if (row && row->value.arn() == arn) return std::move(*row);
  }
  return errors::trust_store_not_found(fmt::format("Trust store '{}' not found", arn));
}

Result<FoundRule> find_rule(const Tables& tables, const Scope& scope, const std::string& arn) {
  if (!well_formed(arn, "listener-rule")) return not_an_arn("rule", arn);
  const auto name = parse_name(scope, arn);
  const auto missing = [&] {
    return errors::rule_not_found(fmt::format("Rule '{}' not found", arn));
  };
  if (!name || name->kind != Kind::rule) return missing();
  auto listener = tables.listeners.get(name->listener_key());
  if (!listener || listener->value.rule_arn(name->rule_id) != arn) return missing();
  if (listener->value.default_rule_id == name->rule_id) return FoundRule{std::move(*listener), {}};
  auto rule = tables.rules.get(name->rule_key());
  if (!rule) return missing();
  return FoundRule{std::move(*listener), std::move(*rule)};
}

std::vector<ListenerRow> listeners_of(const Tables& tables, const LoadBalancerRecord& balancer) {
  return tables.listeners.list(balancer.id + "/");
}

std::vector<RuleRow> rules_of(const Tables& tables, const ListenerRecord& listener) {
  auto out = tables.rules.list(listener.key() + "/");
  std::ranges::sort(out, {}, [](const RuleRow& row) { return row.value.priority; });
  return out;
}

std::vector<store::Row<TargetRecord>> targets_of(const Tables& tables,
                                                 const TargetGroupRecord& group) {
  return tables.targets.list(group.id + "/");
}

Result<Tags> read_tags(const wire::List<Tag>& tags) {
  Tags out;
  for (const Tag& tag : tags) {
    if (tag.key.starts_with("aws:")) {
      return fail("ValidationError", "System tags cannot be added or updated by requester");
    }
    if (!out.emplace(tag.key, tag.value.value_or("")).second)
      return errors::duplicate_tag_keys(fmt::format("The tag key '{}' is duplicated", tag.key));
  }
  if (out.size() > 50) return errors::too_many_tags("A resource can have at most 50 tags");
  return out;
}

wire::List<Tag> tag_shapes(const Tags& tags) {
  wire::List<Tag> out;
  out.present = true;
  for (const auto& [key, value] : tags) {
    Tag& tag = out.emplace_back();
    tag.key = key;
    tag.value = value;
  }
  return out;
}

}  // namespace landfall::elbv2
