// Who uses what: asked by other services.
#pragma once

#include "services/elbv2/records.h"

namespace landfall::elbv2 {

// ARNs of the load balancers with a listener that has the certificate.
std::vector<std::string> users_of_certificate(const Tables& tables, const std::string& arn);

}  // namespace landfall::elbv2
