// What is wrong with a network, for `landfall why`.
#pragma once

#include "reconcile/why.h"
#include "services/ec2/port.h"
#include "services/ec2/service.h"

namespace landfall::ec2 {

// What keeps an interface from connecting to `host` (an address, or a name as programs use it):
// the missing rule, route or address, with the command that helps. Absent: nothing in the network.
// For the explainers of services that have interfaces.
std::optional<reconcile::Finding> connection_problem(Port& port, const Scope& scope,
                                                     const std::string& interface_id,
                                                     std::string_view host, std::uint16_t tcp_port);

// Explains interfaces, route tables, gateways, groups, subnets and VPCs by id, and connections:
// "eni-0123 -> db.example.us-west-1.rds.amazonaws.com:5432", "198.18.0.7 -> eni-0123:80/tcp".
task<std::optional<reconcile::Explanation>> explain(Ec2& ec2, Port& port, Scope scope,
                                                    std::string reference);

}  // namespace landfall::ec2
