// What Parameter Store keeps, per account and region: parameters/<name, percent-encoded but for
// '/'>.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/record.h"

namespace landfall::ssm {

struct PolicyRecord {
  std::string type;  // "Expiration"
  std::string text;  // its JSON, as given
  TimePoint at{};    // when it acts
};
LF_RECORD(PolicyRecord, type, text, at)

struct VersionRecord {
  std::int64_t number = 1;
  std::string type;    // "String", "StringList", "SecureString"
  std::string value;   // SecureString: KMS's ciphertext, base64
  std::string key_id;  // as given; SecureString only
  std::string description;
  std::string tier = "Standard";
  std::string data_type = "text";
  std::string user;  // ARN of who wrote it
  TimePoint modified{};
  std::set<std::string> labels;
  std::vector<PolicyRecord> policies;
};
LF_RECORD(VersionRecord, number, type, value, key_id, description, tier, data_type, user, modified,
          labels, policies)

struct ParameterRecord {
  std::string name;
  std::vector<VersionRecord> versions;  // oldest first
  std::map<std::string, std::string> tags;

  const VersionRecord& latest() const { return versions.back(); }
  // By the policies of the latest version.
  bool expired(TimePoint now) const;
};
LF_RECORD(ParameterRecord, name, versions, tags)

}  // namespace landfall::ssm
