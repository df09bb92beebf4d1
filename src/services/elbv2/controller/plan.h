// What to do next for a load balancer: a pure function of what is wanted and what is there.
#pragma once

#include "services/elbv2/records.h"

namespace landfall::elbv2 {

struct ObservedInterface {
  std::string id;
  std::string subnet_id;
  std::string private_address;
  std::string public_address;  // empty: none
  std::vector<std::string> security_groups;
};

struct Step {
  enum class Kind {
    make_interface,       // in subnet_id
    set_security_groups,  // of interface_id
    set_public_address,   // of interface_id: given or taken, as the scheme says
    publish,              // the interfaces are as wanted: name, nodes and state
    // What nobody wants any more; the proxy has let go of it first.
    remove_interface,
    remove_name,
    forget,  // the record of a deleted load balancer
  } kind{};
  std::string subnet_id = {};
  std::string interface_id = {};
  bool operator==(const Step&) const = default;
};

// Empty: all is as wanted.
std::vector<Step> plan(const LoadBalancerRecord& wanted,
                       const std::vector<ObservedInterface>& observed);
// For a deleted load balancer.
std::vector<Step> plan_removal(const std::vector<ObservedInterface>& observed);

std::string_view name(Step::Kind kind);

}  // namespace landfall::elbv2
