// Secrets and parameters for containers, by what a task definition calls them.
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specifying-sensitive-data.html
#pragma once

#include "services/ecs/neighbours.h"
#include "services/secretsmanager/service.h"
#include "services/ssm/service.h"

namespace landfall::ecs {

// "arn:...:secret:NAME-abcdef[:JSON KEY:STAGE:VERSION ID]", taken apart.
struct SecretReference {
  std::string secret;  // the ARN alone
  std::string json_key;
  std::string stage;
  std::string version_id;
};
SecretReference parse_secret_reference(const std::string& value_from);

class SecretValues final : public Secrets {
 public:
  SecretValues(secretsmanager::Secretsmanager& secrets, ssm::Ssm& parameters)
      : secrets_(secrets), parameters_(parameters) {}
  task<Result<std::string>> read(Scope scope, std::string value_from, std::string role,
                                 std::string session) override;

 private:
  task<Result<std::string>> read_secret(Scope scope, std::string value_from, std::string role,
                                        std::string session);

  secretsmanager::Secretsmanager& secrets_;
  ssm::Ssm& parameters_;
};

}  // namespace landfall::ecs
