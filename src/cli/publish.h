// --publish: listeners of load balancers at addresses of the host.
#pragma once

#include "services/elbv2/published.h"

namespace landfall::cli {

// "0.0.0.0:443=web", "[::]:8443=us-west-1/web:443", several separated by commas. The listener's
// port is the published one unless given; the name means the load balancer of every region, or of
// the one given. Error "usage".
Result<std::vector<elbv2::Published>> parse_published(std::string_view text);

// Nobody else listens there; `proxy` is the process that may. Errors: "address-in-use",
// "address-not-available".
Result<void> check_publishable(const io::Endpoint& at, std::optional<int> proxy);

}  // namespace landfall::cli
