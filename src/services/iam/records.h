// What IAM keeps. Keys: /iam/<account>/-/<table>/<name in lower case>: IAM's names ignore case.
// Access keys are found by id alone, whatever the account: /iam/-/-/access-keys/<id>.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/record.h"

namespace landfall::iam {

struct TagRecord {
  std::string key;
  std::string value;
};
LF_RECORD(TagRecord, key, value)

// What users, groups and roles have in common.
struct EntityPolicies {
  std::map<std::string, std::string> inline_policies;  // name -> document
  std::set<std::string> attached;                      // ARNs of managed policies
};
LF_RECORD(EntityPolicies, inline_policies, attached)

struct UserRecord {
  std::string name;
  std::string path = "/";
  std::string id;  // "AIDA..."
  TimePoint created{};
  EntityPolicies policies;
  std::string boundary;  // ARN of a managed policy; empty: none
  std::vector<TagRecord> tags;
  std::set<std::string> groups;       // names as the groups write them
  std::set<std::string> access_keys;  // ids
};
LF_RECORD(UserRecord, name, path, id, created, policies, boundary, tags, groups, access_keys)

struct GroupRecord {
  std::string name;
  std::string path = "/";
  std::string id;  // "AGPA..."
  TimePoint created{};
  EntityPolicies policies;
};
LF_RECORD(GroupRecord, name, path, id, created, policies)

struct RoleRecord {
  std::string name;
  std::string path = "/";
  std::string id;  // "AROA..."
  TimePoint created{};
  std::string description;
  std::int32_t longest_session_seconds = 3600;
  std::string trust;
  EntityPolicies policies;
  std::string boundary;
  std::vector<TagRecord> tags;
  std::string linked_service;  // service-linked roles: "ecs.amazonaws.com"
};
LF_RECORD(RoleRecord, name, path, id, created, description, longest_session_seconds, trust,
          policies, boundary, tags, linked_service)

struct PolicyVersionRecord {
  std::int32_t number = 1;
  std::string document;
  TimePoint created{};
};
LF_RECORD(PolicyVersionRecord, number, document, created)

struct PolicyRecord {
  std::string name;
  std::string path = "/";
  std::string id;  // "ANPA..."
  TimePoint created{};
  TimePoint updated{};
  std::string description;
  std::int32_t default_version = 1;
  std::int32_t last_version = 1;
  std::vector<PolicyVersionRecord> versions;
  std::vector<TagRecord> tags;
};
LF_RECORD(PolicyRecord, name, path, id, created, updated, description, default_version,
          last_version, versions, tags)

struct InstanceProfileRecord {
  std::string name;
  std::string path = "/";
  std::string id;  // "AIPA..."
  TimePoint created{};
  std::string role;  // name; empty: none
  std::vector<TagRecord> tags;
};
LF_RECORD(InstanceProfileRecord, name, path, id, created, role, tags)

struct AccessKeyRecord {
  std::string id;  // "AKIA..."
  std::string account;
  std::string user;           // name; empty: the account's root user
  std::string sealed_secret;  // context "iam/access-key/<id>"
  bool active = true;
  TimePoint created{};
};
LF_RECORD(AccessKeyRecord, id, account, user, sealed_secret, active, created)

}  // namespace landfall::iam
