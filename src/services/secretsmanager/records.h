// What Secrets Manager keeps, per account and region: secrets/<name, percent-encoded> and
// rotations/<the same>.
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

// How a secret is rotated, and how far the rotation of this moment is.
struct RotationRecord {
  std::string suffix;  // of the secret's ARN: a secret made anew is another one
  std::string target;  // ARN of the task definition
  std::int64_t after_days = 0;
  std::string schedule;  // "rate(10 days)"
  std::string duration;  // "2h"
  bool enabled = true;
  TimePoint rotated{};  // the last one that succeeded
  TimePoint next{};     // zero: only when asked
  // The rotation under way; empty: none.
  std::string version_id;
  std::string task;  // its ARN; empty: to be started, not before `retry_at`
  int attempts = 0;
  TimePoint begun{};  // the task
  TimePoint retry_at{};
  std::string failure;  // of the last attempt; empty: none
  TimePoint failed{};
};
LF_RECORD(RotationRecord, suffix, target, after_days, schedule, duration, enabled, rotated, next,
          version_id, task, attempts, begun, retry_at, failure, failed)

}  // namespace landfall::secretsmanager
