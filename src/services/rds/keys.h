// The keys of encrypted storage. An instance's volumes are encrypted by the kernel under a data key
// of its own, which is kept only as a key of KMS encrypted it; snapshots and restored instances
// take it along.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Overview.Encryption.Keys.html
//
// A key that is disabled or goes makes its instances inaccessible: their servers stop, their
// volumes are unmounted. When it is back, StartDBInstance starts them, for seven days; after that
// only their backups help.
#pragma once

#include "services/rds/service.h"
#include "wire/context.h"

namespace landfall::rds {

inline constexpr const char* kInaccessibleForNow =
    "inaccessible-encryption-credentials-recoverable";
inline constexpr const char* kInaccessible = "inaccessible-encryption-credentials";
// How long a key may be missing before the instance is lost for good.
inline constexpr auto kKeyGrace = std::chrono::days(7);

// A new data key under a key of KMS that the caller may use: id, ARN or alias; none: alias/aws/rds.
// `owner` is the resource id of the instance it is made for. Errors: KMSKeyNotAccessibleFault,
// InvalidParameterCombination when this machine cannot encrypt.
task<Result<VolumeKey>> make_volume_key(Rds& rds, const RequestContext& ctx,
                                        std::optional<std::string> reference, std::string owner);

// The data key itself. Error KMSKeyNotAccessibleFault: the key of KMS is disabled or gone.
Result<std::string> open_volume_key(const Rds& rds, const VolumeKey& key);
// Whether the caller may use what is encrypted with it, and it can be opened. An empty key:
// success.
Result<void> check_key_use(const Rds& rds, const RequestContext& ctx, const VolumeKey& key);

// Keys in the store of the instances to look at when a key of KMS has changed.
std::vector<std::string> instances_of_changed_key(const Rds& rds, const store::KeyValue& changed);

// As ARN, a key that Secrets Manager may use for the caller. Error KMSKeyNotAccessibleFault.
task<Result<std::string>> find_secret_key(Rds& rds, const RequestContext& ctx,
                                          std::string reference);

// What Describe calls give as KmsKeyId of a reference that a request names.
task<Result<std::string>> find_key_arn(Rds& rds, const RequestContext& ctx, std::string reference);

}  // namespace landfall::rds
