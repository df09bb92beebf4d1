#include "services/elbv2/explain.h"

#include "services/ec2/port.h"
#include "services/elbv2/find.h"
#include "services/elbv2/rules.h"
#include "services/elbv2/targets.h"

namespace landfall::elbv2 {
namespace {

using reconcile::Explanation;
using reconcile::Finding;
using reconcile::Severity;

std::uint16_t checked_port(const TargetGroupRecord& group, const TargetRecord& target) {
  const std::string& port = group.health_check.port;
  return std::uint16_t(port == "traffic-port" ? target.port : std::stoi(port));
}

Finding why_unhealthy(const Elbv2& elbv2, const TargetGroupRecord& group,
                      const TargetRecord& target, const Health& health,
                      const LoadBalancerRecord& balancer) {
  const std::uint16_t port = checked_port(group, target);
  const std::string who = fmt::format("target {}:{}", target.id, target.port);
  Finding out{.severity = Severity::problem, .reason = health.reason, .since = health.since};
  const auto address = Ipv4::parse(target.address);
  const auto interface =
      address ? elbv2.ec2.find_interface_at(group.scope(), group.vpc_id, *address) : std::nullopt;
  if (interface) {
    constexpr std::string_view kEcs = "ecs:";
    if (interface->owner.starts_with(kEcs))
      out.deeper.push_back(
          Arn{"aws", "ecs", group.region, group.account, interface->owner.substr(kEcs.size())}
              .str());
    for (const NodeRecord& node : balancer.nodes) {
      if (node.interface_id.empty()) continue;
      const auto verdict = elbv2.ec2.reachability(group.scope(), {node.interface_id, {}},
                                                  {interface->id, {}}, "tcp", port);
      if (verdict.allowed) continue;
      // The root of it: the task behind the target may be well.
      out.deeper.clear();
      out.reason = "TargetUnreachable";
      out.message = fmt::format("{} cannot be reached by load balancer {} on port {}: {}", who,
                                balancer.name, port, verdict.why);
      out.advice = verdict.remedy;
      return out;
    }
  }
  out.message = fmt::format("{} is unhealthy: {}", who,
                            health.description.empty() ? health.reason : health.description);
  const std::string check =
      fmt::format("{} port {} path {}", group.health_check.protocol, port, group.health_check.path);
  if (health.reason == "Target.ResponseCodeMismatch") {
    out.advice = fmt::format(
        "the check ({}) wants the code {}: aws elbv2 modify-target-group --target-group-arn {} "
        "--health-check-path PATH --matcher HttpCode=CODES",
        check, group.health_check.http_codes, group.arn());
  } else if (health.reason == "Target.Timeout") {
    out.advice = fmt::format("it does not answer the check ({}) within {} s", check,
                             group.health_check.timeout_seconds);
  } else {
    out.advice =
        fmt::format("does the program listen on 0.0.0.0:{}, not on 127.0.0.1? ({})", port, check);
  }
  return out;
}

Explanation explain_group(const Elbv2& elbv2, const TargetGroupRecord& group) {
  Explanation out{.resource = group.arn(), .kind = "target group", .state = ""};
  const Tables tables = elbv2.tables(group.scope());
  const auto balancer = balancer_of(tables, group);
  const auto targets = targets_of(tables, group);
  std::size_t healthy = 0, registered = 0;
  for (const auto& row : targets) {
    if (row.value.deregistered_at) continue;
    ++registered;
    const Health health = health_of(elbv2, group, row.value, balancer ? &*balancer : nullptr);
    healthy += health.state == "healthy";
    if (health.state == "unhealthy" && balancer)
      out.findings.push_back(why_unhealthy(elbv2, group, row.value, health, *balancer));
    if (health.state == "unused" && balancer) {
      out.findings.push_back(
          {.severity = Severity::problem,
           .reason = health.reason,
           .message = fmt::format("target {}:{} gets no requests: {}", row.value.id, row.value.port,
                                  health.description),
           .since = health.since});
    }
  }
  out.state = fmt::format("{} of {} targets healthy", healthy, registered);
  if (!balancer) {
    out.findings.push_back(
        {.severity = Severity::warning,
         .reason = "TargetGroupNotInUse",
         .message = fmt::format("no listener forwards to target group {}", group.name)});
  } else if (registered == 0) {
    out.findings.push_back(
        {.severity = Severity::problem,
         .reason = "NoTargets",
         .message = fmt::format("target group {} has no targets; load balancer {} answers 503",
                                group.name, balancer->name)});
  }
  return out;
}

void look_at_listeners(const Elbv2& elbv2, const LoadBalancerRecord& balancer, Explanation& out) {
  const Tables tables = elbv2.tables(balancer.scope());
  const auto listeners = listeners_of(tables, balancer);
  if (listeners.empty()) {
    out.findings.push_back(
        {.severity = Severity::problem,
         .reason = "NoListeners",
         .message = fmt::format("load balancer {} has no listeners", balancer.name)});
  }
  std::set<std::string> groups;
  for (const auto& row : listeners) {
    groups.merge(target_groups_in(row.value.default_actions));
    for (const auto& rule : rules_of(tables, row.value))
      groups.merge(target_groups_in(rule.value.actions));
    if (row.value.secure()) out.depends_on.push_back(row.value.certificate);
    if (!balancer.internet_facing()) continue;
    for (const NodeRecord& node : balancer.nodes) {
      if (node.interface_id.empty()) continue;
      const auto verdict =
          ec2::reachable_from_outside(elbv2.ec2, balancer.scope(), {node.interface_id, {}}, "tcp",
                                      std::uint16_t(row.value.port));
      if (verdict.allowed) continue;
      out.findings.push_back(
          {.severity = Severity::problem,
           .reason = "ListenerNotReachable",
           .message = fmt::format("port {} of load balancer {} cannot be reached from the "
                                  "internet: {}",
                                  row.value.port, balancer.name, verdict.why),
           .advice = verdict.remedy});
      break;  // the nodes share their security groups
    }
  }
  out.depends_on.insert(out.depends_on.end(), groups.begin(), groups.end());
}

Explanation explain_balancer(const Elbv2& elbv2, const LoadBalancerRecord& balancer) {
  Explanation out{.resource = balancer.arn(), .kind = "load balancer", .state = balancer.state};
  out.findings = reconcile::findings_of(balancer.conditions);
  look_at_listeners(elbv2, balancer, out);
  return out;
}

}  // namespace

task<std::optional<Explanation>> explain(const Elbv2& elbv2, Scope scope, std::string reference) {
  const Tables tables = elbv2.tables(scope);
  if (Arn::looks_like(reference)) {
    const auto name = parse_name(scope, reference);
    if (!name) co_return std::nullopt;
    if (name->kind == ResourceName::Kind::target_group) {
      const auto row = find_target_group(tables, scope, reference);
      if (row) co_return explain_group(elbv2, row->value);
      co_return std::nullopt;
    }
    // A listener or rule is part of its load balancer.
    const auto row = tables.load_balancers.get(name->name);
    if (row && row->value.id == name->id) co_return explain_balancer(elbv2, row->value);
    co_return std::nullopt;
  }
  for (const auto& row : tables.load_balancers.list()) {
    if (row.id == reference || row.value.dns_name == reference)
      co_return explain_balancer(elbv2, row.value);
  }
  if (const auto row = tables.target_groups.get(reference))
    co_return explain_group(elbv2, row->value);
  co_return std::nullopt;
}

}  // namespace landfall::elbv2
