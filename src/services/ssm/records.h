// What Parameter Store keeps, per account and region: parameters/<name, percent-encoded but for
// '/'>.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/record.h"

namespace landfall::ssm {

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
};
LF_RECORD(VersionRecord, number, type, value, key_id, description, tier, data_type, user, modified,
          labels)

struct ParameterRecord {
  std::string name;
  std::vector<VersionRecord> versions;  // oldest first
  std::map<std::string, std::string> tags;

  const VersionRecord& latest() const { return versions.back(); }
};
LF_RECORD(ParameterRecord, name, versions, tags)

}  // namespace landfall::ssm
