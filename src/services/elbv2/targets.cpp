#include "services/elbv2/targets.h"

#include "services/elbv2/attributes.h"
#include "services/elbv2/find.h"
#include "services/elbv2/rules.h"
#include "wire/elbv2/errors.h"

namespace landfall::elbv2 {
namespace {

// RFC 1918 and RFC 6598, which a target outside of the VPC must be in.
constexpr std::string_view kPrivate[] = {"10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12",
                                         "192.168.0.0/16"};

Result<TargetRecord> read_address(Elbv2& elbv2, const TargetGroupRecord& group,
                                  const TargetDescription& in, TargetRecord target) {
  const auto address = Ipv4::parse(in.id);
  if (!address)
    return errors::invalid_target(fmt::format("The IP address '{}' is not valid", in.id));
  target.address = address->str();
  const auto vpc = elbv2.ec2.find_vpc(group.scope(), group.vpc_id);
  const bool inside = vpc && vpc->block.contains(*address);
  if (inside) {
    for (const ec2::SubnetInfo& subnet : elbv2.ec2.subnets_of(group.scope(), group.vpc_id))
      if (subnet.block.contains(*address)) target.zone = subnet.availability_zone;
    if (target.zone.empty()) {
      return fail("ValidationError",
                  fmt::format("The IP address '{}' is not within a subnet of the VPC", in.id));
    }
    if (in.availability_zone && *in.availability_zone != target.zone) {
      return fail("ValidationError",
                  fmt::format("You cannot specify the Availability Zone '{}' for the IP address "
                              "'{}', which is in '{}'",
                              *in.availability_zone, in.id, target.zone));
    }
    return target;
  }
  const bool reachable = std::ranges::any_of(
      kPrivate, [&](std::string_view block) { return Cidr::parse(block)->contains(*address); });
  if (!reachable) {
    return fail("ValidationError",
                fmt::format("The IP address '{}' must be from the subnets of the VPC of the target "
                            "group, RFC 1918 or RFC 6598",
                            in.id));
  }
  if (in.availability_zone.value_or("") != "all") {
    return fail("ValidationError",
                fmt::format("The Availability Zone of '{}', which is outside of the VPC, must be "
                            "specified as 'all'",
                            in.id));
  }
  target.zone = "all";
  return target;
}

Result<TargetRecord> read_target(Elbv2& elbv2, const TargetGroupRecord& group,
                                 const TargetDescription& in) {
  TargetRecord target;
  target.id = in.id;
  target.port = in.port.value_or(group.port);
  if (target.port < 1 || target.port > 65535)
    return fail("ValidationError", "The port of a target must be between 1 and 65535");
  if (in.quic_server_id) return fail("ValidationError", "Landfall's load balancers have no QUIC");
  if (group.target_type == "ip") return read_address(elbv2, group, in, std::move(target));
  return errors::invalid_target(
      fmt::format("The following targets are not valid instances: '{}'", in.id));
}

}  // namespace

Result<void> add_targets(Elbv2& elbv2, const TargetGroupRecord& group,
                         const wire::List<TargetDescription>& targets, TimePoint now,
                         store::Transaction& transaction) {
  const Tables tables = elbv2.tables(group.scope());
  std::map<std::string, TargetRecord> known;
  for (auto& row : targets_of(tables, group)) known[row.id] = std::move(row.value);
  for (const TargetDescription& in : targets) {
    LF_TRY(target, read_target(elbv2, group, in));
    const std::string key = target_key(group, target);
    const auto found = known.find(key);
    // Registered already: it keeps its health.
    if (found != known.end() && !found->second.deregistered_at) continue;
    target.registered_at = now;
    known[key] = target;
    transaction.operations.push_back(tables.targets.put(key, target));
  }
  if (known.size() > kMostTargets) {
    return errors::too_many_targets(
        fmt::format("A target group can have at most {} targets", kMostTargets));
  }
  return {};
}

Result<void> remove_targets(Elbv2& elbv2, const TargetGroupRecord& group,
                            const wire::List<TargetDescription>& targets, TimePoint now,
                            store::Transaction& transaction) {
  const Tables tables = elbv2.tables(group.scope());
  const bool used = balancer_of(tables, group).has_value();
  for (const TargetDescription& in : targets) {
    TargetRecord wanted;
    wanted.id = in.id;
    wanted.port = in.port.value_or(group.port);
    const std::string key = target_key(group, wanted);
    const auto row = tables.targets.get(key);
    if (!row) {
      return errors::invalid_target(
          fmt::format("The target '{}:{}' is not registered", wanted.id, wanted.port));
    }
    if (row->value.deregistered_at) continue;
    if (!used) {
      transaction.operations.push_back(tables.targets.remove(key));
      continue;
    }
    TargetRecord draining = row->value;
    draining.deregistered_at = now;
    transaction.operations.push_back(tables.targets.put(key, draining));
  }
  return {};
}

std::optional<LoadBalancerRecord> balancer_of(const Tables& tables,
                                              const TargetGroupRecord& group) {
  for (const std::string& arn : load_balancers_of(tables, group.arn())) {
    if (auto row = find_load_balancer(tables, group.scope(), arn)) return std::move(row->value);
  }
  return {};
}

Health health_of(const Elbv2& elbv2, const TargetGroupRecord& group, const TargetRecord& target,
                 const LoadBalancerRecord* balancer) {
  if (target.deregistered_at) {
    return {"draining", "Target.DeregistrationInProgress", "Target deregistration is in progress",
            *target.deregistered_at};
  }
  if (!balancer) {
    return {"unused", "Target.NotInUse",
            "Target group is not configured to receive traffic from the load balancer",
            target.registered_at};
  }
  const bool zone_enabled =
      target.zone == "all" ||
      std::ranges::find(balancer->nodes, target.zone, &NodeRecord::zone) != balancer->nodes.end();
  if (!zone_enabled) {
    return {"unused", "Target.NotInUse",
            "Target is in an Availability Zone that is not enabled for the load balancer",
            target.registered_at};
  }
  const auto found = elbv2.health.find(target_key(group, target));
  if (found != elbv2.health.end()) return found->second;
  return {"initial", "Elb.RegistrationInProgress", "Target registration is in progress",
          target.registered_at};
}

TimePoint drained_at(const TargetGroupRecord& group, const TargetRecord& target) {
  const int seconds = attribute_number(attribute_owner(group), group.attributes,
                                       "deregistration_delay.timeout_seconds");
  return target.deregistered_at.value_or(TimePoint{}) + std::chrono::seconds(seconds);
}

}  // namespace landfall::elbv2
