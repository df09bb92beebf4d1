#include "services/sts/session_policies.h"
#include "wire/sts/operations.h"

namespace landfall::sts {

// Credentials for somebody whom the caller knows and IAM does not: the caller's rights, cut down by
// the session's policies. Without such policies only resources that name the federated user let it
// in. https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html
task<Result<GetFederationTokenResponse>> get_federation_token(Sts& sts, const RequestContext& ctx,
                                                              GetFederationTokenRequest in) {
  const Principal& who = ctx.principal;
  if (!who.access_key_id.starts_with("AKIA")) {
    co_return fail("AccessDenied", "Cannot call GetFederationToken with session credentials", 403);
  }
  LF_CO_TRY(policies, session_policies(sts, in.policy, in.policy_arns));
  const bool root = who.kind == Principal::Kind::root;
  std::chrono::seconds lifetime(in.duration_seconds.value_or(root ? 3600 : 43'200));
  if (root) lifetime = std::min(lifetime, std::chrono::seconds(3600));
  iam::SessionRecord session{.account = who.account,
                             .kind = int(who.kind),
                             .name = who.name,
                             .id = who.user_id,
                             .session_name = in.name,
                             .policies = policies.documents};
  for (const Tag& tag : in.tags) session.tags.push_back({tag.key, tag.value});
  const auto made = iam::issue_session(sts.iam, std::move(session), lifetime);
  co_return GetFederationTokenResponse{
      .credentials = to_credentials(made),
      .federated_user =
          FederatedUser{.federated_user_id = fmt::format("{}:{}", who.account, in.name),
                        .arn = iam::federated_user_arn(who.account, in.name)},
      .packed_policy_size = policies.packed_percent};
}

}  // namespace landfall::sts
