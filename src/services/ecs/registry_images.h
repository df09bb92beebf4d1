// Images of tasks: those of ECR, as far as the execution role may pull them, and those of outside
// registries.
#pragma once

#include "host/images/pull.h"
#include "services/ecr/port.h"
#include "services/ecs/neighbours.h"

namespace landfall::ecs {

class RegistryImages final : public Images {
 public:
  RegistryImages(const ecr::Ecr& ecr, iam::Port& iam, host::PulledImages& outside)
      : ecr_(ecr), iam_(iam), outside_(outside) {}

  task<Result<ResolvedImage>> resolve(Scope scope, std::string reference,
                                      std::string role) override;

 private:
  Result<ResolvedImage> resolve_own(const Scope& scope, const std::string& reference,
                                    const std::string& role) const;

  const ecr::Ecr& ecr_;
  iam::Port& iam_;
  host::PulledImages& outside_;
};

}  // namespace landfall::ecs
