// KMS: keys that never leave the server, and what they encrypt.
//
// A key's material is 32 random bytes, sealed under the installation's key. A ciphertext names the
// key and the generation of its material, so that Decrypt finds both; the encryption context is
// authenticated with it. Who may use a key is decided by its policy together with the caller's own:
// the default policy hands the decision to IAM.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html
#pragma once

#include "base/ids.h"
#include "base/random.h"
#include "services/iam/port.h"
#include "services/kms/records.h"
#include "store/sealed.h"
#include "store/table.h"

namespace landfall::kms {

using Context = std::map<std::string, std::string>;
using KeyRow = store::Row<KeyRecord>;

struct Encrypted {
  std::string blob;
  std::string key_arn;
  std::string material_id;
};
struct Decrypted {
  std::string plaintext;
  std::string key_arn;
  std::string material_id;
};

struct Kms {
  store::Store& store;
  const Clock& clock;
  Random& random;
  const store::Sealer& sealer;
  iam::Port& iam;

  store::Table<KeyRecord> keys(const Scope& scope) const;
  store::Table<AliasRecord> aliases(const Scope& scope) const;

  // A new key of the customer's or, with aws_service, AWS's. Nothing is written.
  KeyRecord make_key(const Scope& scope, std::string policy, std::string aws_service = {}) const;
  MaterialRecord make_material(const std::string& key_id, bool on_demand = false) const;

  // By id, ARN, alias or alias ARN; alias/aws/... keys are made at first use.
  // Errors: NotFoundException, InvalidArnException.
  task<Result<KeyRow>> find(Scope scope, std::string reference);
  // As above for operations that take no alias (or ARNs of other accounts).
  Result<KeyRow> find_exact(const Scope& scope, const std::string& reference) const;

  // Both with the key as it is now. Errors: DisabledException, KMSInvalidStateException.
  Result<Encrypted> encrypt(const Scope& scope, const KeyRecord& key, std::string_view plaintext,
                            const Context& context) const;
  // Error InvalidCiphertextException; IncorrectKeyException unless `expected` is empty or the key's
  // id.
  Result<Decrypted> decrypt(const Scope& scope, std::string_view blob, const Context& context,
                            const std::string& expected_id = {}) const;
  // The key that a blob was encrypted under. Error InvalidCiphertextException.
  Result<KeyRow> key_of(const Scope& scope, std::string_view blob) const;

  // The key's policy and the caller's own. AWS's keys are used by their services for everybody who
  // may use the service: `via` names it.
  Result<void> authorize(const RequestContext& ctx, const KeyRecord& key, const std::string& action,
                         const Context& context = {}, const std::string& via = {}) const;
  // The same for the session of a role: a task's execution role.
  Result<void> authorize_role(const Scope& scope, const std::string& role_arn,
                              const std::string& session, const KeyRecord& key,
                              const std::string& action, const std::string& via) const;
};

std::string key_arn(const Scope& scope, std::string_view id);
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
