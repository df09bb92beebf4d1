// Who asks, and whether they may: the port, over IAM's records. Identities are resolved once per
// change of IAM and kept: a request costs one look-up and the evaluation of compiled policies.
#pragma once

#include <unordered_map>

#include "services/iam/denials.h"
#include "services/iam/port.h"
#include "services/iam/session.h"

namespace landfall::iam {

class Identities final : public Port {
 public:
  explicit Identities(Iam& iam) : iam_(iam) {}

  sigv4::Checked<std::shared_ptr<const Identity>> find_identity(const std::string& access_key_id,
                                                                const std::string& session_token,
                                                                TimePoint now) override;
  Result<void> authorize(const Identity& identity, const RequestContext& ctx,
                         const Access& access) override;
  Result<void> authorize(const RequestContext& ctx, const Access& access) override;
  Result<std::shared_ptr<const Identity>> identity_of(const RequestContext& ctx) override;
  Result<void> check_pass_role(const RequestContext& ctx, const std::string& role_arn,
                               const std::string& service) override;
  Result<void> check_role(const std::string& role_arn, const std::string& service) override;
  Result<RoleCredentials> assume_for_service(const std::string& role_arn,
                                             const std::string& service,
                                             const std::string& session_name,
                                             std::chrono::seconds lifetime) override;
  Result<void> authorize_role(const std::string& role_arn, const std::string& session_name,
                              const Access& access) override;
  std::optional<RoleFacts> find_role(const std::string& account,
                                     const std::string& name_or_arn) override;
  std::optional<InstanceProfileFacts> find_instance_profile(
      const std::string& account, const std::string& name_or_arn) override;
  task<Result<std::string>> ensure_service_linked_role(std::string account,
                                                       std::string service) override;
  IssuedToken issue_token(const RequestContext& ctx, const std::string& purpose,
                          TimePoint expires) override;
  Result<std::shared_ptr<const Identity>> redeem_token(const std::string& token,
                                                       const std::string& purpose,
                                                       TimePoint now) override;

  // Whose tags conditions on aws:ResourceTag ask: a service's resources, by ARN.
  using ResourceTags =
      std::function<std::vector<std::pair<std::string, std::string>>(const Arn& resource)>;
  void set_resource_tags(std::string service, ResourceTags tags) {
    resource_tags_[std::move(service)] = std::move(tags);
  }
  // What was refused lately; for `landfall why`.
  const Denials& denials() const { return denials_; }
  // Would it be allowed now? For a denial of before.
  std::optional<policy::Verdict> ask_again(const Denial& denial);

 private:
  using Resolved = sigv4::Checked<std::shared_ptr<const Identity>>;
  struct Cached {
    std::string session_token;
    std::shared_ptr<const Identity> identity;
  };

  void forget_outdated();
  Resolved resolve_key(const std::string& access_key_id);
  void become_federated(Identity& identity, const std::string& name);
  Resolved resolve_session(const SessionRecord& session, TimePoint now);
  // Adds what is attached to the user or role. Nothing when it does not exist (any more).
  bool add_user(Identity& out, const std::string& account, const std::string& user);
  bool add_role(Identity& out, const std::string& account, const std::string& role);
  void add_holder(Identity& out, const Holder& holder);
  std::string exact_resource(const Access& access, const Identity& identity) const;
  void add_resource_keys(policy::ContextKeys& keys, const std::string& resource) const;
  std::shared_ptr<const policy::Document> compiled(const std::string& text,
                                                   policy::DocumentKind kind);
  std::shared_ptr<const policy::Document> compiled_managed(const std::string& arn);

  static constexpr std::size_t kMostCached = 10'000;

  Iam& iam_;
  std::uint64_t epoch_ = 0;
  std::unordered_map<std::string, Cached> by_key_;
  // Sessions seen, by access key id: a handler that has only the context finds the session again.
  // Not derived from records, so it survives changes.
  std::unordered_map<std::string, SessionRecord> sessions_;
  std::unordered_map<std::string, std::shared_ptr<const policy::Document>> documents_;
  std::map<std::string, ResourceTags> resource_tags_;
  Denials denials_;
};

// The context keys every request has.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
void add_global_keys(policy::ContextKeys& keys, const Identity& identity,
                     const RequestContext& ctx);

}  // namespace landfall::iam
