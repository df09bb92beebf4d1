// Security groups as requests name them: by id, or by name in the default VPC.
#pragma once

#include "services/ec2/operations/operation.h"

namespace landfall::ec2 {

// The VPC asked for, or the default one. Errors: InvalidVpcID.NotFound, VPCIdNotSpecified.
Result<std::string> vpc_or_default(const Tables& tables, const std::optional<std::string>& vpc_id);

// Errors: MissingParameter, InvalidGroup.NotFound, InvalidGroupId.Malformed.
Result<store::Row<SecurityGroupRecord>> find_group(const Tables& tables,
                                                   const std::optional<std::string>& id,
                                                   const std::optional<std::string>& name);

}  // namespace landfall::ec2
