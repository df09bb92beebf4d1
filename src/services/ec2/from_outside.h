// Whether anybody in the internet can reach something.
#pragma once

#include "services/ec2/port.h"

namespace landfall::ec2 {

// As Port::reachability from an address that stands for everybody's; `why` and `remedy` speak of
// the internet and 0.0.0.0/0.
Reachability reachable_from_outside(Port& ec2, const Scope& scope, const Peer& to,
                                    std::string_view protocol, std::uint16_t port);

}  // namespace landfall::ec2
