#include "services/iam/session.h"

namespace landfall::iam {
namespace {

constexpr std::string_view kContext = "iam/session";
// Sealed texts start with the form's name, which has no place in a token.
constexpr std::string_view kForm = "v1:";

}  // namespace

std::string federated_user_arn(const std::string& account, std::string_view name) {
  return fmt::format("arn:aws:sts::{}:federated-user/{}", account, name);
}

bool is_federated_user(const Principal& principal) {
  return principal.kind == Principal::Kind::user && principal.arn.starts_with("arn:aws:sts:");
}

RoleCredentials issue_session(const Iam& iam, SessionRecord session,
                              std::chrono::seconds lifetime) {
  session.access_key_id = "ASIA" + iam.random.pick("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16);
  session.secret =
      iam.random.pick("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/+", 40);
  session.issued = iam.clock.now();
  session.expires = session.issued + lifetime;
  RoleCredentials out;
  out.access_key_id = session.access_key_id;
  out.secret_access_key = session.secret;
  out.session_token = iam.sealer.seal(record::to_text(session), kContext).substr(kForm.size());
  out.expires_at = session.expires;
  if (session.kind == int(Principal::Kind::assumed_role)) {
    out.assumed_role_arn = fmt::format("arn:aws:sts::{}:assumed-role/{}/{}", session.account,
                                       session.name, session.session_name);
    out.assumed_role_id = session.id + ":" + session.session_name;
  }
  return out;
}

std::optional<SessionRecord> read_session(const Iam& iam, const std::string& token) {
  const auto text = iam.sealer.unseal(std::string(kForm) + token, kContext);
  if (!text) return {};
  auto session = record::from_text<SessionRecord>(*text);
  if (!session) return {};
  return std::move(*session);
}

}  // namespace landfall::iam
