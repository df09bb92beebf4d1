// What other services may ask of KMS: to encrypt and decrypt under a key, and whether somebody may
// use it.
#pragma once

#include "base/ids.h"
#include "services/iam/port.h"
#include "services/kms/records.h"
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

inline constexpr std::string_view kRoot = "/kms/";
// Of a key's record in the store: whose it is, and its id. None for other records.
std::optional<std::pair<Scope, std::string>> parse_key(std::string_view store_key);
std::string key_arn(const Scope& scope, std::string_view id);

class Port {
 public:
  virtual ~Port() = default;

  // By id, ARN, alias or alias ARN; alias/aws/... keys are made at first use.
  // Errors: NotFoundException, InvalidArnException.
  virtual task<Result<KeyRow>> find(Scope scope, std::string reference) = 0;

  // Both with the key as it is now. Errors: DisabledException, KMSInvalidStateException.
  virtual Result<Encrypted> encrypt(const Scope& scope, const KeyRecord& key,
                                    std::string_view plaintext, const Context& context) const = 0;
  // Error InvalidCiphertextException; IncorrectKeyException unless `expected_id` is empty or the
  // key's id.
  virtual Result<Decrypted> decrypt(const Scope& scope, std::string_view blob,
                                    const Context& context,
                                    const std::string& expected_id = {}) const = 0;
  // The key that a blob was encrypted under. Error InvalidCiphertextException.
  virtual Result<KeyRow> key_of(const Scope& scope, std::string_view blob) const = 0;

  // The key's policy and the caller's own. AWS's keys are used by their services for everybody who
  // may use the service: `via` names it.
  virtual Result<void> authorize(const RequestContext& ctx, const KeyRecord& key,
                                 const std::string& action, const Context& context = {},
                                 const std::string& via = {}) const = 0;
  // The same for the session of a role: a task's execution role.
  virtual Result<void> authorize_role(const Scope& scope, const std::string& role_arn,
                                      const std::string& session, const KeyRecord& key,
                                      const std::string& action, const std::string& via) const = 0;
};

}  // namespace landfall::kms
