// What other services may ask of Secrets Manager.
#pragma once

#include <string>

#include "base/ids.h"
#include "base/result.h"
#include "io/task.h"

namespace landfall::secretsmanager {

struct Value {
  std::string bytes;
  bool binary = false;
};

class Port {
 public:
  virtual ~Port() = default;
  // For a task: the value as its role may read it. `stage` or `version_id` may be empty. Errors:
  // AccessDenied and those of GetSecretValue.
  virtual task<Result<Value>> read_as_role(Scope scope, std::string reference, std::string stage,
                                           std::string version_id, std::string role_arn,
                                           std::string session) = 0;
};

}  // namespace landfall::secretsmanager
