// Secrets and parameters for containers, by what a task definition calls them.
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specifying-sensitive-data.html
#pragma once

#include "services/ecs/neighbours.h"
#include "services/secretsmanager/port.h"
#include "services/ssm/port.h"

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
  SecretValues(secretsmanager::Port& secrets, ssm::Port& parameters)
      : secrets_(secrets), parameters_(parameters) {}
  task<Result<std::string>> read(Scope scope, std::string value_from, std::string role,
                                 std::string session) override;

 private:
  task<Result<std::string>> read_secret(Scope scope, std::string value_from, std::string role,
                                        std::string session);

  secretsmanager::Port& secrets_;
  ssm::Port& parameters_;
};

}  // namespace landfall::ecs
