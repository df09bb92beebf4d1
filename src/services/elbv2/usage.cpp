#include "services/elbv2/usage.h"

#include <set>

namespace landfall::elbv2 {

std::vector<std::string> users_of_certificate(const Tables& tables, const std::string& arn) {
  std::set<std::string> out;
  for (const auto& row : tables.listeners.list()) {
    const ListenerRecord& listener = row.value;
    const bool uses = listener.certificate == arn ||
                      std::ranges::find(listener.certificates, arn) != listener.certificates.end();
    if (uses) out.insert(listener.load_balancer_arn());
  }
  return {out.begin(), out.end()};
}

}  // namespace landfall::elbv2
