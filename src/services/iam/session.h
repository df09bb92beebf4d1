// Temporary credentials. The session token holds the whole session, sealed under this
// installation's key: issuing one writes nothing, and every token outlives a restart. It dies with
// its time, or with the user or role behind it.
#pragma once

#include "services/iam/port.h"
#include "services/iam/service.h"

namespace landfall::iam {

struct SessionRecord {
  std::string access_key_id;  // "ASIA..."
  std::string secret;
  std::string account;
  std::int32_t kind = 0;  // Principal::Kind: root and user (GetSessionToken) or assumed_role
  std::string name;       // of the user or role
  std::string id;         // "AIDA..." or "AROA..." when it was issued: a remade role is another one
  std::string session_name;  // assumed_role; of a user: the name of a federated user
  TimePoint issued{};
  TimePoint expires{};
  std::vector<std::string> policies;  // session policies
  std::vector<TagRecord> tags;        // session tags
};
LF_RECORD(SessionRecord, access_key_id, secret, account, kind, name, id, session_name, issued,
          expires, policies, tags)

std::string federated_user_arn(const std::string& account, std::string_view name);
bool is_federated_user(const Principal& principal);

// Fills in key id, secret and issue time, and seals.
RoleCredentials issue_session(const Iam& iam, SessionRecord session, std::chrono::seconds lifetime);
// Nothing when the token is not one of ours.
std::optional<SessionRecord> read_session(const Iam& iam, const std::string& token);

}  // namespace landfall::iam
