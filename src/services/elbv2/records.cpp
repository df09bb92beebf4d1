#include "services/elbv2/records.h"

namespace landfall::elbv2 {
namespace {

std::string prefix(const Scope& scope, std::string_view table) {
  return fmt::format("{}{}/{}/{}/", kRoot, scope.account, scope.region, table);
}

std::string arn_of(const std::string& account, const std::string& region, std::string resource) {
  return Arn{"aws", "elasticloadbalancing", region, account, std::move(resource)}.str();
}

std::string_view short_type(std::string_view type) { return type == "network" ? "net" : "app"; }

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> out;
  while (true) {
    const std::size_t at = text.find(separator);
    out.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at + 1);
  }
}

}  // namespace

std::string LoadBalancerRecord::arn() const {
  return arn_of(account, region, fmt::format("loadbalancer/{}/{}/{}", short_type(type), name, id));
}

std::string ListenerRecord::load_balancer_arn() const {
  return arn_of(account, region,
                fmt::format("loadbalancer/{}/{}/{}", short_type(load_balancer_type),
                            load_balancer_name, load_balancer_id));
}

std::string ListenerRecord::arn() const {
  return arn_of(account, region,
                fmt::format("listener/{}/{}/{}/{}", short_type(load_balancer_type),
                            load_balancer_name, load_balancer_id, id));
}

std::string ListenerRecord::rule_arn(std::string_view rule_id) const {
  return arn_of(account, region,
                fmt::format("listener-rule/{}/{}/{}/{}/{}", short_type(load_balancer_type),
                            load_balancer_name, load_balancer_id, id, rule_id));
}

std::string TrustStoreRecord::arn() const {
  return arn_of(account, region, fmt::format("truststore/{}/{}", name, id));
}

std::string TargetGroupRecord::arn() const {
  return arn_of(account, region, fmt::format("targetgroup/{}/{}", name, id));
}

Tables::Tables(store::Store& store, const Scope& scope)
    : load_balancers(store, prefix(scope, "load-balancers")),
      removed(store, prefix(scope, "removed")),
      listeners(store, prefix(scope, "listeners")),
      rules(store, prefix(scope, "rules")),
      target_groups(store, prefix(scope, "target-groups")),
      targets(store, prefix(scope, "targets")),
      trust_stores(store, prefix(scope, "trust-stores")),
      revocations(store, prefix(scope, "revocations")) {}

// So that they are in the order in which they came.
std::string revocation_key(const TrustStoreRecord& store, std::int64_t id) {
  return fmt::format("{}/{:010}", store.id, id);
}

std::string target_key(const TargetGroupRecord& group, const TargetRecord& target) {
  return fmt::format("{}/{}:{}", group.id, target.id, target.port);
}

std::optional<ResourceName> parse_name(const Scope& scope, std::string_view arn) {
  const auto parsed = Arn::parse(arn);
  if (!parsed || parsed->service != "elasticloadbalancing" || parsed->region != scope.region ||
      parsed->account != scope.account) {
    return {};
  }
  const auto parts = split(parsed->resource, '/');
  if (std::ranges::any_of(parts, [](const std::string& part) { return part.empty(); })) return {};
  using Kind = ResourceName::Kind;
  if (parts[0] == "targetgroup" && parts.size() == 3)
    return ResourceName{Kind::target_group, parts[1], parts[2]};
  if (parts[0] == "truststore" && parts.size() == 3)
    return ResourceName{Kind::trust_store, parts[1], parts[2]};
  if (parts.size() < 4 || (parts[1] != "app" && parts[1] != "net")) return {};
  if (parts[0] == "loadbalancer" && parts.size() == 4)
    return ResourceName{Kind::load_balancer, parts[2], parts[3]};
  if (parts[0] == "listener" && parts.size() == 5)
    return ResourceName{Kind::listener, parts[2], parts[3], parts[4]};
  if (parts[0] == "listener-rule" && parts.size() == 6)
    return ResourceName{Kind::rule, parts[2], parts[3], parts[4], parts[5]};
  return {};
}

std::optional<Key> parse_key(std::string_view key) {
  if (!key.starts_with(kRoot)) return {};
  key.remove_prefix(kRoot.size());
  std::array<std::string_view, 3> parts;
  for (std::string_view& part : parts) {
    const std::size_t slash = key.find('/');
    if (slash == std::string_view::npos) return {};
    part = key.substr(0, slash);
    key.remove_prefix(slash + 1);
  }
  return Key{
      {std::string(parts[0]), std::string(parts[1])}, std::string(parts[2]), std::string(key)};
}

}  // namespace landfall::elbv2
