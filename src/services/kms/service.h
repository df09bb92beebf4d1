// KMS: keys that never leave the server, and what they encrypt.
//
// A key's material is 32 random bytes, sealed under the installation's key. A ciphertext names the
// key and the generation of its material, so that Decrypt finds both; the encryption context is
// authenticated with it. Who may use a key is decided by its policy together with the caller's own:
// the default policy hands the decision to IAM.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
#pragma once

#include "base/random.h"
#include "services/kms/port.h"
#include "store/sealed.h"

namespace landfall::kms {

struct Kms final : Port {
  Kms(store::Store& state, const Clock& time, Random& chance, const store::Sealer& seal,
      iam::Port& access)
      : store(state), clock(time), random(chance), sealer(seal), iam(access) {}

  store::Store& store;
  const Clock& clock;
  Random& random;
  const store::Sealer& sealer;
  iam::Port& iam;

  store::Table<KeyRecord> keys(const Scope& scope) const;
  store::Table<AliasRecord> aliases(const Scope& scope) const;
  store::Table<GrantRecord> grants(const Scope& scope) const;
  std::vector<GrantRecord> grants_of(const Scope& scope, const std::string& key_id) const;
  // What may be asked about a key, its policy with these grants.
  Result<iam::Access> access_to(const Scope& scope, const KeyRecord& key,
                                const std::vector<GrantRecord>& grants, const std::string& action,
                                iam::policy::ContextKeys keys) const;

  // A new key of the customer's or, with aws_service, AWS's. Nothing is written.
  KeyRecord make_key(const Scope& scope, std::string policy, std::string aws_service = {}) const;
  MaterialRecord make_material(const std::string& key_id, bool on_demand = false) const;

  // As Port::find, for operations that take no alias (or ARNs of other accounts).
  Result<KeyRow> find_exact(const Scope& scope, const std::string& reference) const;

  task<Result<KeyRow>> find(Scope scope, std::string reference) override;
  Result<Encrypted> encrypt(const Scope& scope, const KeyRecord& key, std::string_view plaintext,
                            const Context& context) const override;
  Result<Decrypted> decrypt(const Scope& scope, std::string_view blob, const Context& context,
                            const std::string& expected_id = {}) const override;
  Result<KeyRow> key_of(const Scope& scope, std::string_view blob) const override;
  Result<void> authorize(const RequestContext& ctx, const KeyRecord& key, const std::string& action,
                         const Context& context = {}, const std::string& via = {}) const override;
  Result<void> authorize_role(const Scope& scope, const std::string& role_arn,
                              const std::string& session, const KeyRecord& key,
                              const std::string& action, const std::string& via) const override;
};

std::string alias_arn(const Scope& scope, std::string_view name);
// "PendingDeletion"
std::string_view state_of(const KeyRecord& key);
// Errors: DisabledException, KMSInvalidStateException.
Result<void> check_usable(const Scope& scope, const KeyRecord& key);
// What a customer's key has unless told otherwise.
std::string default_policy(const std::string& account);
// Error MalformedPolicyDocumentException.
Result<void> check_policy(const std::string& text);

}  // namespace landfall::kms
