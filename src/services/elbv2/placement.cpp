#include "services/elbv2/placement.h"

#include <set>

#include "wire/elbv2/errors.h"

namespace landfall::elbv2 {
namespace {

std::unexpected<Error> invalid(std::string message) {
  return fail("ValidationError", std::move(message));
}

Result<std::vector<NodeRecord>> wanted_nodes(const LoadBalancerRecord& balancer,
                                             const wire::List<std::string>& subnets,
                                             const wire::List<SubnetMapping>& mappings) {
  if (!subnets.empty() && !mappings.empty())
    return invalid("Only one of Subnets and SubnetMappings may be specified");
  std::vector<NodeRecord> out;
  for (const std::string& subnet : subnets) out.push_back({.subnet_id = subnet});
  for (const SubnetMapping& mapping : mappings) {
    if (!mapping.subnet_id) return invalid("A subnet mapping needs SubnetId");
    if (mapping.allocation_id) {
      if (balancer.application())
        return invalid("Elastic IP addresses cannot be specified for application load balancers");
      return errors::allocation_id_not_found(fmt::format(
          "Landfall gives network load balancers addresses of its own; '{}' cannot be used",
          *mapping.allocation_id));
    }
    if (mapping.i_pv6_address || mapping.source_nat_ipv6_prefix)
      return invalid("Landfall's networks have IPv4 only");
    if (mapping.private_i_pv4_address && balancer.application()) {
      return invalid("Private IPv4 addresses cannot be specified for application load balancers");
    }
    if (mapping.private_i_pv4_address && balancer.internet_facing())
      return invalid("PrivateIPv4Address is for internal load balancers");
    out.push_back({.subnet_id = *mapping.subnet_id,
                   .wanted_address = mapping.private_i_pv4_address.value_or("")});
  }
  return out;
}

}  // namespace

Result<Placement> place(Elbv2& elbv2, const Scope& scope, const LoadBalancerRecord& balancer,
                        const wire::List<std::string>& subnets,
                        const wire::List<SubnetMapping>& mappings) {
  Placement out;
  LF_TRY(nodes, wanted_nodes(balancer, subnets, mappings));
  out.nodes = std::move(nodes);
  if (out.nodes.empty()) return invalid("At least one subnet must be specified");
  std::set<std::string> zones, ids;
  bool open = false;
  for (NodeRecord& node : out.nodes) {
    const auto subnet = elbv2.ec2.find_subnet(scope, node.subnet_id);
    if (!subnet) {
      return errors::subnet_not_found(
          fmt::format("The subnet ID '{}' does not exist", node.subnet_id));
    }
    if (!ids.insert(node.subnet_id).second)
      return invalid(fmt::format("The subnet '{}' is specified more than once", node.subnet_id));
    if (!out.vpc_id.empty() && out.vpc_id != subnet->vpc_id) {
      return errors::invalid_configuration_request(
          "All subnets of a load balancer must belong to the same VPC");
    }
    out.vpc_id = subnet->vpc_id;
    if (!zones.insert(subnet->availability_zone).second) {
      return errors::invalid_configuration_request(
          "A load balancer cannot be attached to multiple subnets in the same Availability Zone");
    }
    node.zone = subnet->availability_zone;
    open = open || subnet->vpc_has_internet_gateway;
    if (node.wanted_address.empty()) continue;
    const auto address = Ipv4::parse(node.wanted_address);
    if (!address || !subnet->block.contains(*address)) {
      return invalid(fmt::format("'{}' is not an address of the subnet '{}'", node.wanted_address,
                                 node.subnet_id));
    }
  }
  if (balancer.application() && zones.size() < 2) {
    return invalid("At least two subnets in two different Availability Zones must be specified");
  }
  // The route to it may come later, as when Terraform makes both at the same time.
  if (balancer.internet_facing() && !open) {
    return errors::invalid_subnet(fmt::format("VPC {} has no internet gateway", out.vpc_id));
  }
  std::ranges::sort(out.nodes, {}, &NodeRecord::zone);
  return out;
}

Result<std::vector<std::string>> check_security_groups(Elbv2& elbv2, const Scope& scope,
                                                       const std::string& vpc_id,
                                                       const wire::List<std::string>& groups) {
  std::vector<std::string> out;
  for (const std::string& group : groups) {
    const auto vpc = elbv2.ec2.vpc_of_security_group(scope, group);
    if (!vpc) {
      return errors::invalid_security_group(
          fmt::format("The security group ID '{}' does not exist", group));
    }
    if (*vpc != vpc_id) {
      return errors::invalid_configuration_request(
          fmt::format("The security group '{}' does not belong to VPC '{}'", group, vpc_id));
    }
    if (std::ranges::find(out, group) == out.end()) out.push_back(group);
  }
  if (out.size() > 5) {
    return errors::invalid_configuration_request(
        "A load balancer can have at most 5 security groups");
  }
  return out;
}

}  // namespace landfall::elbv2
