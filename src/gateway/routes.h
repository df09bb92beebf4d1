// Which service a request is for.
#pragma once

#include <optional>

#include "http/message.h"
#include "wire/service.h"
#include "wire/sigv4/verify.h"

namespace landfall::gateway {

struct Service {
  const wire::ServiceModel* model = nullptr;
  void* instance = nullptr;  // what the model's handlers take; outlives the gateway
  std::size_t body_limit = 8 << 20;
};

// gateway.add(gateway::service(sts::kService, sts))
template <class T>
Service service(const wire::ServiceModel& model, T& instance, std::size_t body_limit = 8 << 20) {
  return {&model, &instance, body_limit};
}

class Routes {
 public:
  void add(Service service) { services_.push_back(service); }

  // By what was signed for, or X-Amz-Target, or the host's name. Null: none that we serve.
  const Service* find(const http::Request& request, const sigv4::Claim* claim) const;
  // By the operation that a query or a form names, of those that need no signature.
  const Service* find_anonymous(const http::Parameters& form) const;
  // As requests are signed for them ("ecs"), sorted.
  std::vector<std::string> served() const;
  // For the error to somebody who asks for another service.
  std::string served_names() const;

 private:
  std::vector<Service> services_;
};

}  // namespace landfall::gateway
