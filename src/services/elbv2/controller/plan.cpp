#include "services/elbv2/controller/plan.h"

#include <set>

namespace landfall::elbv2 {
namespace {

bool same_groups(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::set(a.begin(), a.end()) == std::set(b.begin(), b.end());
}

// The record says of this node what the interface is.
bool is_recorded(const NodeRecord& node, const ObservedInterface& interface) {
  return node.interface_id == interface.id && node.private_address == interface.private_address &&
         node.public_address == interface.public_address;
}

}  // namespace

std::vector<Step> plan(const LoadBalancerRecord& wanted,
                       const std::vector<ObservedInterface>& observed) {
  std::vector<Step> making, removing;
  bool published = wanted.state == "active";
  for (const NodeRecord& node : wanted.nodes) {
    const auto found = std::ranges::find_if(observed, [&](const ObservedInterface& interface) {
      return interface.subnet_id == node.subnet_id &&
             (node.wanted_address.empty() || node.wanted_address == interface.private_address);
    });
    if (found == observed.end()) {
      making.push_back({Step::Kind::make_interface, node.subnet_id});
      continue;
    }
    if (!same_groups(found->security_groups, wanted.security_groups))
      making.push_back({Step::Kind::set_security_groups, node.subnet_id, found->id});
    if (found->public_address.empty() == wanted.internet_facing())
      making.push_back({Step::Kind::set_public_address, node.subnet_id, found->id});
    published = published && is_recorded(node, *found);
  }
  for (const ObservedInterface& interface : observed) {
    const bool kept = std::ranges::any_of(wanted.nodes, [&](const NodeRecord& node) {
      return interface.subnet_id == node.subnet_id &&
             (node.wanted_address.empty() || node.wanted_address == interface.private_address);
    });
    if (!kept) {
      // One interface for each subnet: an unwanted one there makes room first.
      removing.push_back({Step::Kind::remove_interface, interface.subnet_id, interface.id});
    }
  }
  // First what clients need; an interface goes when the name no longer points to it.
  if (!removing.empty() && std::ranges::any_of(removing, [&](const Step& step) {
        return std::ranges::find(wanted.nodes, step.subnet_id, &NodeRecord::subnet_id) !=
               wanted.nodes.end();
      })) {
    return removing;
  }
  if (!making.empty()) return making;
  if (!published) return {{Step::Kind::publish}};
  return removing;
}

std::vector<Step> plan_removal(const std::vector<ObservedInterface>& observed) {
  std::vector<Step> out = {{Step::Kind::remove_name}};
  for (const ObservedInterface& interface : observed)
    out.push_back({Step::Kind::remove_interface, interface.subnet_id, interface.id});
  out.push_back({Step::Kind::forget});
  return out;
}

std::string_view name(Step::Kind kind) {
  switch (kind) {
    case Step::Kind::make_interface:
      return "make a network interface";
    case Step::Kind::set_security_groups:
      return "set the security groups";
    case Step::Kind::set_public_address:
      return "set the public address";
    case Step::Kind::publish:
      return "publish the name";
    case Step::Kind::remove_interface:
      return "remove a network interface";
    case Step::Kind::remove_name:
      return "remove the name";
    case Step::Kind::forget:
      return "forget the load balancer";
  }
  return "";
}

}  // namespace landfall::elbv2
