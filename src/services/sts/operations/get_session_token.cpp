#include "services/sts/session_policies.h"
#include "wire/sts/operations.h"

namespace landfall::sts {

task<Result<GetSessionTokenResponse>> get_session_token(Sts& sts, const RequestContext& ctx,
                                                        GetSessionTokenRequest in) {
  const Principal& who = ctx.principal;
  const bool long_term = who.access_key_id.starts_with("AKIA");
  if (!long_term) {
    co_return fail("AccessDenied", "Cannot call GetSessionToken with session credentials", 403);
  }
  if (in.serial_number || in.token_code) {
    co_return fail("AccessDenied",
                   "MultiFactorAuthentication failed: there are no MFA devices here.", 403);
  }
  const bool root = who.kind == Principal::Kind::root;
  std::chrono::seconds lifetime(in.duration_seconds.value_or(root ? 3600 : 43'200));
  if (root) lifetime = std::min(lifetime, std::chrono::seconds(3600));
  iam::SessionRecord session{
      .account = who.account, .kind = int(who.kind), .name = who.name, .id = who.user_id};
  const auto made = iam::issue_session(sts.iam, std::move(session), lifetime);
  co_return GetSessionTokenResponse{.credentials = to_credentials(made)};
}

}  // namespace landfall::sts
