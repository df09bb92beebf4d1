// Tasks that rotate secrets, for Secrets Manager.
//
// Where such a task runs is said by tags of its definition: landfall:cluster (otherwise "default"),
// landfall:subnets and landfall:security-groups (ids, with spaces between; otherwise the default
// VPC's default subnets, with a public address).
#pragma once

#include "services/ecs/launch.h"
#include "services/secretsmanager/port.h"

namespace landfall::ecs {

class RotationTasks final : public secretsmanager::TaskRunner {
 public:
  explicit RotationTasks(Ecs& ecs) : ecs_(ecs) {}

  Result<void> check(const RequestContext& ctx, const std::string& definition) const override;
  task<Result<std::string>> start(Scope scope, std::string definition, std::string token,
                                  std::map<std::string, std::string> environment) override;
  std::optional<Result<void>> ended(const Scope& scope, const std::string& arn) const override;
  task<Result<void>> stop(Scope scope, std::string arn, std::string reason) override;

 private:
  Ecs& ecs_;
};

}  // namespace landfall::ecs
