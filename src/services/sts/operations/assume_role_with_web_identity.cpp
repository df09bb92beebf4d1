#include "services/iam/identities.h"
#include "services/iam/oidc_providers.h"
#include "services/iam/trust.h"
#include "services/sts/session_policies.h"
#include "wire/sts/errors.h"
#include "wire/sts/operations.h"

namespace landfall::sts {
namespace {

constexpr std::string_view kScheme = "https://";
// Between the issuer's clock and ours.
constexpr std::chrono::seconds kLeeway(300);
// Session tags in a token. Left out, they would change what conditions see.
constexpr std::string_view kTagsClaim = "https://aws.amazon.com/tags";

struct WebIdentity {
  std::string issuer;  // with its scheme
  std::string provider_arn;
  std::string subject;
  std::string audience;
};

std::unexpected<Error> not_authorized() {
  return fail("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403);
}

Error to_api(const Error& error) {
  if (error.code == "expired-token") return errors::expired_token("Token expired").error();
  if (error.code == "issuer-failed" || error.code == "unknown-key") {
    return errors::invalid_identity_token(
               "Couldn't retrieve verification key from your identity provider, please reference "
               "AssumeRoleWithWebIdentity documentation for requirements: " +
               error.message)
        .error();
  }
  return errors::invalid_identity_token(error.message).error();
}

// Everything that can be said of the token without its issuer.
Result<WebIdentity> read_identity(const Sts& sts, const jwt::Token& token,
                                  const std::string& account, TimePoint now) {
  WebIdentity who{.issuer = token.claim("iss"), .subject = token.claim("sub")};
  while (who.issuer.ends_with('/')) who.issuer.pop_back();
  if (!who.issuer.starts_with(kScheme)) {
    return errors::invalid_identity_token("The token names no https issuer");
  }
  if (who.subject.empty()) return errors::invalid_identity_token("The token names no subject");
  if (token.claims.contains(kTagsClaim)) {
    return errors::invalid_identity_token("Session tags in tokens are not supported here");
  }
  who.provider_arn =
      iam::oidc_provider_arn(account, std::string_view(who.issuer).substr(kScheme.size()));
  const auto provider = iam::find_oidc_provider(sts.iam, who.provider_arn);
  if (!provider) {
    return errors::invalid_identity_token(
        fmt::format("No OpenIDConnect provider found in your account for {}", who.issuer));
  }
  // Whom the token was made for; with several audiences, who asked for it.
  auto audiences = token.audiences();
  if (const std::string party = token.claim("azp"); !party.empty()) audiences = {party};
  const auto known = std::ranges::find_if(audiences, [&](const std::string& audience) {
    return provider->value.client_ids.contains(audience);
  });
  if (known == audiences.end()) {
    return errors::invalid_identity_token("Incorrect token audience");
  }
  who.audience = *known;
  if (auto timely = jwt::check_times(token, now, kLeeway); !timely) {
    return std::unexpected(to_api(timely.error()));
  }
  return who;
}

iam::policy::ContextKeys context_keys(const WebIdentity& who, const jwt::Token& token,
                                      const RequestContext& ctx, const std::string& session_name) {
  iam::policy::ContextKeys keys;
  const std::string issuer = who.issuer.substr(kScheme.size());
  keys.set(issuer + ":aud", who.audience);
  keys.set(issuer + ":sub", who.subject);
  if (!token.claim("azp").empty()) keys.set(issuer + ":oaud", token.audiences());
  if (const auto* amr = token.claims.if_contains("amr"); amr != nullptr && amr->is_array()) {
    std::vector<std::string> values;
    for (const auto& one : amr->get_array()) {
      if (one.is_string()) values.emplace_back(one.get_string());
    }
    keys.set(issuer + ":amr", std::move(values));
  }
  keys.set("aws:FederatedProvider", who.provider_arn);
  keys.set("sts:RoleSessionName", session_name);
  keys.set("aws:CurrentTime", format_iso8601(ctx.now));
  keys.set("aws:EpochTime", std::to_string(to_unix_ms(ctx.now) / 1000));
  keys.set("aws:SecureTransport", ctx.tls ? "true" : "false");
  if (!ctx.client_address.empty()) keys.set("aws:SourceIp", ctx.client_address);
  if (!ctx.user_agent.empty()) keys.set("aws:UserAgent", ctx.user_agent);
  return keys;
}

// The role, when its trust policy speaks of this provider and its conditions hold.
std::optional<iam::RoleRecord> trusting_role(const Sts& sts, const std::string& role_arn,
                                             const WebIdentity& who,
                                             const iam::policy::ContextKeys& keys) {
  auto role = iam::find_role_record(sts.iam, role_arn);
  if (!role) return {};
  auto trust = iam::policy::Document::parse(role->trust, iam::policy::DocumentKind::trust);
  if (!trust) return {};
  const Principal principal{.kind = Principal::Kind::anonymous, .arn = who.provider_arn};
  const iam::policy::PolicySet set{
      .boundary = {}, .session = {}, .resource = *trust, .resource_account = {}, .trust = true};
  const auto verdict =
      iam::policy::evaluate(set, {"sts:AssumeRoleWithWebIdentity", role_arn, keys, principal});
  return verdict.allowed ? std::move(role) : std::nullopt;
}

}  // namespace

// Nobody signs this request: the token, signed by an issuer that the role's account believes, says
// who asks. https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
task<Result<AssumeRoleWithWebIdentityResponse>> assume_role_with_web_identity(
    Sts& sts, const RequestContext& ctx, AssumeRoleWithWebIdentityRequest in) {
  if (in.provider_id) {
    co_return errors::invalid_identity_token(
        "ProviderId is for OAuth 2.0 access tokens, which are not supported here");
  }
  const auto arn = Arn::parse(in.role_arn);
  if (!arn || arn->service != "iam" || !arn->resource.starts_with("role/")) {
    co_return fail("ValidationError", fmt::format("{} is invalid", in.role_arn));
  }
  auto token = jwt::parse(in.web_identity_token);
  if (!token) {
    co_return errors::invalid_identity_token(
        "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access "
        "Token)");
  }
  LF_CO_TRY(who, read_identity(sts, *token, arn->account, ctx.now));
  if (auto signed_well = co_await sts.issuers.verify(who.issuer, *token); !signed_well) {
    co_return std::unexpected(to_api(signed_well.error()));
  }
  const auto keys = context_keys(who, *token, ctx, in.role_session_name);
  const auto role = trusting_role(sts, in.role_arn, who, keys);
  if (!role) co_return not_authorized();
  const std::int32_t seconds = in.duration_seconds.value_or(3600);
  LF_CO_OK(check_duration(*role, seconds));
  LF_CO_TRY(policies, session_policies(sts, in.policy, in.policy_arns));
  iam::SessionRecord session{.account = arn->account,
                             .kind = int(Principal::Kind::assumed_role),
                             .name = role->name,
                             .id = role->id,
                             .session_name = in.role_session_name,
                             .policies = policies.documents};
  const auto made = iam::issue_session(sts.iam, std::move(session), std::chrono::seconds(seconds));
  co_return AssumeRoleWithWebIdentityResponse{
      .credentials = to_credentials(made),
      .subject_from_web_identity_token = who.subject,
      .assumed_role_user =
          AssumedRoleUser{.assumed_role_id = made.assumed_role_id, .arn = made.assumed_role_arn},
      .packed_policy_size = policies.packed_percent,
      .provider = who.issuer,
      .audience = who.audience};
}

}  // namespace landfall::sts
