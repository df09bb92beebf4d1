// Port over the records.
#pragma once

#include "services/ecs/port.h"
#include "services/ecs/service.h"

namespace landfall::ecs {

class ServicePort final : public Port {
 public:
  explicit ServicePort(Ecs& ecs) : ecs_(ecs) {}
  std::optional<ServiceScale> find_service(const Scope& scope, const std::string& cluster,
                                           const std::string& service) const override;
  task<Result<void>> set_desired_count(Scope scope, std::string cluster, std::string service,
                                       int count) override;

 private:
  Ecs& ecs_;
};

}  // namespace landfall::ecs
