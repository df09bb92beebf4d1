// Service-linked roles: made by, and for, one AWS service.
#pragma once

#include "services/iam/service.h"

namespace landfall::iam {

struct LinkedRole {
  std::string_view service;  // "ecs.amazonaws.com"
  std::string_view role;     // "AWSServiceRoleForECS"
  std::string_view policy;   // name of the managed policy in /aws-service-role/
};

// Null: the service has none that we know.
const LinkedRole* find_linked_role(std::string_view service);

// Adds the role; an existing one is the error InvalidInput.
task<Result<RoleRecord>> create_linked_role(Iam& iam, std::string account, std::string service,
                                            std::string description);

}  // namespace landfall::iam
