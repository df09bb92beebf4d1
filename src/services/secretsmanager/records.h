// What Secrets Manager keeps, per account and region: secrets/<name, percent-encoded>.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/record.h"

namespace landfall::secretsmanager {

inline constexpr const char* kCurrent = "AWSCURRENT";
inline constexpr const char* kPrevious = "AWSPREVIOUS";
inline constexpr const char* kPending = "AWSPENDING";

// Envelope encryption: the value is sealed under a data key of its own, which KMS has encrypted.
struct VersionRecord {
  std::string data_key;  // KMS's ciphertext, base64
  std::string sealed;
  bool binary = false;
  std::set<std::string> stages;
  std::string kms_key_arn;
  TimePoint created{};
  TimePoint accessed{};  // day of the latest GetSecretValue
};
LF_RECORD(VersionRecord, data_key, sealed, binary, stages, kms_key_arn, created, accessed)

struct SecretRecord {
  std::string name;
  std::string suffix;  // the six characters at the end of the ARN
  std::string description;
  std::string kms_key;  // as given; empty: aws/secretsmanager
  std::string policy;   // empty: none
  std::map<std::string, std::string> tags;
  std::map<std::string, VersionRecord> versions;  // by id
  TimePoint created{};
  TimePoint changed{};
  TimePoint accessed{};
  TimePoint deleted{};  // DeleteSecret was called; zero: not deleted
  TimePoint gone_at{};  // end of the recovery window
  // A service that made it for itself and alone changes it: "rds". Empty: a customer's.
  std::string owning_service;
  int rotation_days = 0;  // how often the owning service does
  TimePoint rotated{};
};
LF_RECORD(SecretRecord, name, suffix, description, kms_key, policy, tags, versions, created,
          changed, accessed, deleted, gone_at, owning_service, rotation_days, rotated)

}  // namespace landfall::secretsmanager
