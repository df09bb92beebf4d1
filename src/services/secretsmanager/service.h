// Secrets Manager and what it depends on.
#pragma once

#include <functional>

#include "base/random.h"
#include "services/kms/port.h"
#include "services/secretsmanager/port.h"
#include "services/secretsmanager/records.h"
#include "store/sealed.h"

namespace landfall::secretsmanager {

using SecretRow = store::Row<SecretRecord>;

struct Secretsmanager final : Port {
  Secretsmanager(store::Store& state, const Clock& time, Random& chance, kms::Port& keys,
                 iam::Port& access)
      : store(state), clock(time), random(chance), kms(keys), iam(access) {}

  store::Store& store;
  const Clock& clock;
  Random& random;
  kms::Port& kms;
  iam::Port& iam;
  // What rotates secrets; set once, before anybody asks.
  TaskRunner* runner = nullptr;
  // Where secrets with a rotation are: the sweep looks nowhere else. From the store at the start.
  std::set<std::pair<std::string, std::string>> rotating;  // account, region

  store::Table<SecretRecord> secrets(const Scope& scope) const;
  store::Table<RotationRecord> rotations(const Scope& scope) const;
  // None: never rotated.
  std::optional<store::Row<RotationRecord>> rotation_of(const Scope& scope,
                                                        const SecretRecord& secret) const;

  // By name, ARN, or an ARN without its last six characters. Secrets whose recovery window is over
  // are gone. Error ResourceNotFoundException.
  Result<SecretRow> find(const Scope& scope, const std::string& reference) const;
  // As find, and the caller may do `action`; a secret that waits for its deletion is refused.
  Result<SecretRow> open(const RequestContext& ctx, const std::string& reference,
                         const std::string& action, bool deleted_too = false) const;
  Result<void> authorize(const RequestContext& ctx, const SecretRecord& secret,
                         const std::string& action, iam::policy::ContextKeys keys = {}) const;
  // What may be asked about a secret.
  iam::Access access_to(const Scope& scope, const SecretRecord& secret, const std::string& action,
                        iam::policy::ContextKeys keys = {}) const;

  // Encrypts under the secret's key; the caller may use it. Nothing is written.
  task<Result<VersionRecord>> seal(const RequestContext& ctx, const SecretRecord& secret,
                                   std::string version_id, Value value);
  // The same for a service of ours: nobody's permissions are asked for.
  Result<VersionRecord> seal_with(const Scope& scope, const kms::KeyRecord& key,
                                  const SecretRecord& secret, const std::string& version_id,
                                  Value value);
  Result<Value> unseal(const Scope& scope, const SecretRecord& secret,
                       const std::string& version_id) const;
  // The key as KMS has it, for permissions.
  task<Result<kms::KeyRow>> key_of(Scope scope, std::string kms_key);

  task<Result<Value>> read_as_role(Scope scope, std::string reference, std::string stage,
                                   std::string version_id, std::string role_arn,
                                   std::string session) override;
  task<Result<void>> put_managed(Scope scope, ManagedSecret secret, std::string version_id,
                                 Value value) override;
  task<Result<void>> finish_rotation(Scope scope, ManagedSecret secret,
                                     std::string version_id) override;
  task<Result<void>> remove_managed(Scope scope, ManagedSecret secret) override;

  // What rotates the secrets of a service at once, by its name ("rds").
  std::map<std::string, std::function<task<Result<void>>(Scope scope, std::string arn)>> rotators;
};

std::string arn_of(const Scope& scope, const SecretRecord& secret);
// The version asked for; both empty: AWSCURRENT. Error ResourceNotFoundException.
Result<std::string> find_version(const SecretRecord& secret, const std::string& version_id,
                                 const std::string& stage);
// Moves stages as a new current (or otherwise staged) version makes it necessary, and drops the
// oldest versions without a stage.
void stage_version(SecretRecord& secret, const std::string& id,
                   const std::set<std::string>& stages);
std::string via(const Scope& scope);

}  // namespace landfall::secretsmanager
