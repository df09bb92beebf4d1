#include "base/bytes.h"
#include "services/ecr/names.h"
#include "services/ecr/service.h"

namespace landfall::ecr {

constexpr Millis kTokenLifetime = std::chrono::hours(12);

// https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
task<Result<GetAuthorizationTokenResponse>> get_authorization_token(
    Ecr& ecr, const RequestContext& ctx, GetAuthorizationTokenRequest in) {
  // One token opens every registry the caller may use; the ids only choose the endpoints named
  // beside it.
  std::vector<std::string> accounts(in.registry_ids.begin(), in.registry_ids.end());
  if (accounts.empty()) accounts.push_back(ctx.scope.account);
  const iam::IssuedToken issued = ecr.iam.issue_token(ctx, "ecr", ctx.now + kTokenLifetime);
  const std::string token = base64_encode("AWS:" + issued.token);
  GetAuthorizationTokenResponse out;
  for (const std::string& account : accounts) {
    const Scope scope{account, ctx.scope.region};
    co_await ecr.clients.introduce(registry_host(scope, ecr.settings.domain), ecr.settings.port);
    out.authorization_data.push_back(
        {token, issued.expires, "https://" + registry_address(ecr, scope)});
  }
  co_return out;
}

}  // namespace landfall::ecr
