// What KMS keeps, per account and region. Keys: keys/<id>, aliases/<name without
// "alias/">, grants/<key id>/<grant id>.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/record.h"

namespace landfall::kms {

// One generation of a key's material. Old ones stay: what they encrypted can be decrypted.
struct MaterialRecord {
  std::string id;      // 64 hexadecimal digits
  std::string sealed;  // context "kms/<key id>/<id>"
  TimePoint created{};
  bool on_demand = false;
};
LF_RECORD(MaterialRecord, id, sealed, created, on_demand)

struct KeyRecord {
  std::string id;  // UUID
  std::string description;
  std::string
      aws_service;  // "secretsmanager": managed by AWS for this service; empty: a customer's
  std::string policy;
  bool enabled = true;
  bool rotates = false;
  int rotation_days = 365;
  TimePoint rotates_next{};
  std::vector<MaterialRecord> materials;  // oldest first; the last one encrypts
  std::map<std::string, std::string> tags;
  TimePoint created{};
  TimePoint deleted_at{};  // pending deletion; zero: not
  int window_days = 0;
};
LF_RECORD(KeyRecord, id, description, aws_service, policy, enabled, rotates, rotation_days,
          rotates_next, materials, tags, created, deleted_at, window_days)

struct AliasRecord {
  std::string name;  // "alias/app"
  std::string key_id;
  TimePoint created{};
  TimePoint updated{};
};
LF_RECORD(AliasRecord, name, key_id, created, updated)

struct GrantRecord {
  std::string id;  // 64 hexadecimal digits
  std::string key_id;
  std::string name;
  std::string grantee;
  std::string retiring;              // empty: nobody by name
  std::set<std::string> operations;  // "Decrypt"
  std::map<std::string, std::string> context_equals;
  std::map<std::string, std::string> context_subset;
  TimePoint created{};
};
LF_RECORD(GrantRecord, id, key_id, name, grantee, retiring, operations, context_equals,
          context_subset, created)

}  // namespace landfall::kms
