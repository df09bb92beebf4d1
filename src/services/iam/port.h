// What the gateway and other services may ask of IAM: who a key belongs to, whether someone may do
// something, and credentials of roles. All of it is answered from memory and the store's page
// cache: nothing here waits.
#pragma once

#include "services/iam/holders.h"
#include "services/iam/policy/evaluate.h"
#include "wire/context.h"
#include "wire/sigv4/problem.h"

namespace landfall::iam {

// A caller with everything that decides what it may do. An immutable snapshot: IAM makes a new one
// when it changes.
struct Identity {
  Principal principal;
  std::string secret;                 // of the access key that asks
  std::optional<TimePoint> expires;   // temporary credentials
  policy::Documents policies;         // identity-based
  std::vector<PolicySource> sources;  // of each of them
  std::shared_ptr<const policy::Document> boundary;
  std::string boundary_arn;
  std::optional<policy::Documents> session;
  std::vector<std::pair<std::string, std::string>> tags;  // principal tags
};

// One thing to be allowed.
struct Access {
  std::string action;           // "ecs:RunTask"
  std::string resource = "*";   // ARN or "*"
  policy::ContextKeys context;  // service keys and aws:RequestTag/...; the caller's own are added
  // Of the resource, when it has a policy.
  std::shared_ptr<const policy::Document> resource_policy = {};
  std::string resource_account = {};  // empty: the caller's
  // KMS keys: without a grant in the resource's policy the caller's own count for nothing.
  bool resource_policy_decides = false;
};

struct IssuedToken {
  std::string token;
  TimePoint expires;
};

struct RoleCredentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;
  TimePoint expires_at{};
  std::string assumed_role_arn;
  std::string assumed_role_id;  // "AROA...:session"
};

struct RoleFacts {
  std::string arn;
  std::string name;
  std::string id;  // "AROA..."
};

struct InstanceProfileFacts {
  std::string arn;
  std::string name;
  std::string id;        // "AIPA..."
  std::string role_arn;  // empty: no role in it
};

class Port {
 public:
  virtual ~Port() = default;

  // session_token: as sent; empty for long-term keys.
  virtual sigv4::Checked<std::shared_ptr<const Identity>> find_identity(
      const std::string& access_key_id, const std::string& session_token, TimePoint now) = 0;

  // Error AccessDenied (403) in AWS's words: "User: ... is not authorized to perform: ... because
  // ...". The caller translates the code where its API has another one (AccessDeniedException,
  // UnauthorizedOperation).
  virtual Result<void> authorize(const Identity& identity, const RequestContext& ctx,
                                 const Access& access) = 0;
  // The same for a handler, which has the context only.
  virtual Result<void> authorize(const RequestContext& ctx, const Access& access) = 0;

  // The snapshot behind a request.
  virtual Result<std::shared_ptr<const Identity>> identity_of(const RequestContext& ctx) = 0;

  // May the caller hand this role to `service` ("ecs-tasks.amazonaws.com")? Includes check_role.
  virtual Result<void> check_pass_role(const RequestContext& ctx, const std::string& role_arn,
                                       const std::string& service) = 0;

  // Does the role exist, and does its trust policy let `service` assume it? Errors:
  // "role-not-found", "not-trusted".
  virtual Result<void> check_role(const std::string& role_arn, const std::string& service) = 0;
  // Credentials for a workload. Nothing is stored: the session token carries the session, sealed.
  // Errors as check_role.
  virtual Result<RoleCredentials> assume_for_service(const std::string& role_arn,
                                                     const std::string& service,
                                                     const std::string& session_name,
                                                     std::chrono::seconds lifetime) = 0;
  // Would a session of this role be allowed? Errors: AccessDenied as above, "role-not-found".
  virtual Result<void> authorize_role(const std::string& role_arn, const std::string& session_name,
                                      const Access& access) = 0;

  virtual std::optional<RoleFacts> find_role(const std::string& account,
                                             const std::string& name_or_arn) = 0;
  virtual std::optional<InstanceProfileFacts> find_instance_profile(
      const std::string& account, const std::string& name_or_arn) = 0;

  // Makes AWSServiceRoleFor... of a service ("ecs.amazonaws.com") unless it is there; returns its
  // ARN.
  virtual task<Result<std::string>> ensure_service_linked_role(std::string account,
                                                               std::string service) = 0;

  // A token that stands for the caller until `expires`, for one purpose ("ecr"): ECR's registry
  // password. It holds no rights of its own: the caller's policies are evaluated when it is used,
  // and it dies with the caller's key, and with the session of temporary credentials.
  virtual IssuedToken issue_token(const RequestContext& ctx, const std::string& purpose,
                                  TimePoint expires) = 0;
  // Errors: "token-invalid", "token-expired".
  virtual Result<std::shared_ptr<const Identity>> redeem_token(const std::string& token,
                                                               const std::string& purpose,
                                                               TimePoint now) = 0;
};

}  // namespace landfall::iam
