// What other services may ask of Parameter Store.
#pragma once

#include <string>

#include "base/ids.h"
#include "base/result.h"
#include "io/task.h"

namespace landfall::ssm {

class Port {
 public:
  virtual ~Port() = default;
  // For a task: the decrypted value as its role may read it. name: or an ARN. Errors: AccessDenied
  // and those of GetParameters.
  virtual task<Result<std::string>> read_as_role(Scope scope, std::string name,
                                                 std::string role_arn, std::string session) = 0;
};

}  // namespace landfall::ssm
