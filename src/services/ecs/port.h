// What other services may ask of ECS: how many tasks a service has and shall have.
#pragma once

#include <optional>
#include <string>

#include "base/ids.h"
#include "base/result.h"
#include "io/task.h"

namespace landfall::ecs {

struct ServiceScale {
  std::string arn;
  std::string cluster;
  std::string service;
  int desired = 0;
  int running = 0;
  int pending = 0;
  bool deploying = false;  // a deployment has not completed
};

class Port {
 public:
  virtual ~Port() = default;
  // None: no such service, or it is being deleted.
  virtual std::optional<ServiceScale> find_service(const Scope& scope, const std::string& cluster,
                                                   const std::string& service) const = 0;
  // As UpdateService with desiredCount alone. Errors: ServiceNotFoundException,
  // ServiceNotActiveException.
  virtual task<Result<void>> set_desired_count(Scope scope, std::string cluster,
                                               std::string service, int count) = 0;
};

// The service whose record is kept at this key of the store; none: it is another record's.
struct ServiceKey {
  Scope scope;
  std::string cluster;
  std::string service;
};
std::optional<ServiceKey> parse_service_key(std::string_view key);
inline constexpr std::string_view kKeyPrefix = "/ecs/";

}  // namespace landfall::ecs
