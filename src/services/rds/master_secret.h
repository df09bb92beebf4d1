// Master passwords that RDS makes, keeps in Secrets Manager and changes every seven days.
//
// A change has three steps, each repeatable: a new password is written as the secret's pending
// version; the server gets it; the version becomes the current one.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html
#pragma once

#include "services/rds/service.h"
#include "wire/context.h"
#include "wire/rds/types.h"

namespace landfall::rds {

inline constexpr int kRotationDays = 7;

// None has been written yet. `kms_key`: id, ARN or alias; none: alias/aws/secretsmanager. Errors:
// KMSKeyNotAccessibleFault.
task<Result<MasterSecret>> make_master_secret(Rds& rds, const RequestContext& ctx,
                                              std::optional<std::string> kms_key);

// Is a new password to be made?
bool password_due(const DbInstance& wanted, TimePoint now);

// The three steps but the second, which is ALTER ROLE. `staged` edits the record of the instance.
task<Result<void>> stage_password(
    Rds& rds, DbInstance instance,
    std::function<task<Result<void>>(std::string version, std::string verifier)> staged);
task<Result<void>> publish_password(Rds& rds, DbInstance instance);
task<Result<void>> remove_secret(Rds& rds, Scope scope, MasterSecret secret);

MasterUserSecret to_shape(const Scope& scope, const MasterSecret& secret);

// For RotateSecret: the instance whose secret it is changes it. Error InvalidRequestException.
task<Result<void>> rotate_master_secret(Rds& rds, Scope scope, std::string arn);

}  // namespace landfall::rds
