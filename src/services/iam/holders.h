// Who holds policies: users, groups and roles with everything that decides what they may do, as
// text.
#pragma once

#include "services/iam/service.h"
#include "wire/context.h"

namespace landfall::iam {

struct PolicySource {
  std::string managed_arn;  // empty: inline
  std::string holder_kind;  // "user", "group", "role"
  std::string holder;
  std::string name;  // of the inline policy

  // "AmazonECS_FullAccess", "role_app_logs": as the policy simulator names them.
  std::string id() const;
  // "the inline policy logs of role app", "arn:aws:iam::aws:policy/AmazonECS_FullAccess"
  std::string text() const;
};

struct HeldPolicy {
  PolicySource source;
  std::string document;
};

struct Holder {
  Principal principal;  // for a role: of a session, but for arn and the session's name
  std::vector<HeldPolicy> policies;
  std::string boundary_arn;  // empty: none
  std::vector<std::pair<std::string, std::string>> tags;
};

// By name.
std::optional<Holder> find_user_holder(const Iam& iam, const std::string& account,
                                       const std::string& user);
std::optional<Holder> find_role_holder(const Iam& iam, const std::string& account,
                                       const std::string& role);
// By the ARN of a user, group or role.
std::optional<Holder> find_holder(const Iam& iam, const std::string& arn);

}  // namespace landfall::iam
