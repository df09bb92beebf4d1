// What other services may ask of Secrets Manager.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/ids.h"
#include "base/result.h"
#include "io/task.h"
#include "wire/context.h"

namespace landfall::secretsmanager {

struct Value {
  std::string bytes;
  bool binary = false;
};

// A secret that a service keeps for its users, who may read it and not change it: RDS's master
// passwords.
struct ManagedSecret {
  std::string name;    // "rds!db-<uuid>"
  std::string suffix;  // six letters or digits, chosen by the service
  std::string owning_service;
  std::string description;
  std::string kms_key;  // ARN
  int rotation_days = 0;
  std::map<std::string, std::string> tags = {};
};
std::string arn_of(const Scope& scope, const ManagedSecret& secret);

class Port {
 public:
  virtual ~Port() = default;
  // For a task: the value as its role may read it. `stage` or `version_id` may be empty. Errors:
  // AccessDenied and those of GetSecretValue.
  virtual task<Result<Value>> read_as_role(Scope scope, std::string reference, std::string stage,
                                           std::string version_id, std::string role_arn,
                                           std::string session) = 0;

  // Makes the secret unless it is there, and gives it a version, which is AWSPENDING, or AWSCURRENT
  // when it is the first. A version that is there already stays as it is. Errors: those of KMS.
  virtual task<Result<void>> put_managed(Scope scope, ManagedSecret secret, std::string version_id,
                                         Value value) = 0;
  // The version becomes AWSCURRENT: the secret has been rotated. Repeatable. Error
  // ResourceNotFoundException.
  virtual task<Result<void>> finish_rotation(Scope scope, ManagedSecret secret,
                                             std::string version_id) = 0;
  // At once and for good; absent is success.
  virtual task<Result<void>> remove_managed(Scope scope, ManagedSecret secret) = 0;
};

// What Secrets Manager asks of those who run tasks, to rotate secrets. ECS implements it; tests use
// a fake.
class TaskRunner {
 public:
  virtual ~TaskRunner() = default;
  // May this definition run for the caller? Errors, worded for people: InvalidParameterException,
  // AccessDeniedException.
  virtual Result<void> check(const RequestContext& ctx, const std::string& definition) const = 0;
  // Starts it with these variables in every container; asked again with the same token, the same
  // task. The task's ARN.
  virtual task<Result<std::string>> start(Scope scope, std::string definition, std::string token,
                                          std::map<std::string, std::string> environment) = 0;
  // None: it runs. An error says how it failed; a task that nobody knows any more has failed.
  virtual std::optional<Result<void>> ended(const Scope& scope, const std::string& arn) const = 0;
  virtual task<Result<void>> stop(Scope scope, std::string arn, std::string reason) = 0;
};

}  // namespace landfall::secretsmanager
