#include "proxy/auth/gate_keeper.h"

#include "base/bytes.h"
#include "base/check.h"
#include "base/log.h"
#include "proxy/auth/jwt_gate.h"
#include "proxy/auth/oidc_gate.h"

namespace landfall::proxy {

GateKeeper::GateKeeper()
    : outside_(std::make_shared<OutsideCalls>()), renewals_(std::make_shared<Renewals>()) {}
GateKeeper::~GateKeeper() = default;

void GateKeeper::stop() { outside_->stop(); }

Result<void> GateKeeper::use(const std::string& cookie_key, const std::string& identity_key,
                             const std::string& trust_file) {
  trust_file_ = trust_file;
  const std::string parts = record::to_text(std::vector<std::string>{cookie_key, identity_key});
  if (keys_ && used_ == parts) return {};
  if (identity_key.empty() && own_identity_.empty())
    own_identity_ = SigningKey::make().private_pem();
  auto signer = SigningKey::from_pem(identity_key.empty() ? own_identity_ : identity_key);
  const auto key = base64_decode(cookie_key);
  if (!signer || !key) return fail("snapshot-invalid", "the key for identities is unreadable", 500);
  keys_ = std::make_shared<const GateKeys>(GateKeys{.sessions = TextSeal(*key, "auth/session"),
                                                    .states = TextSeal(*key, "auth/state"),
                                                    .signer = std::move(*signer)});
  used_ = parts;
  return {};
}

GateCalls GateKeeper::calls() {
  std::error_code error;
  const auto time = trust_file_.empty() ? std::filesystem::file_time_type()
                                        : std::filesystem::last_write_time(trust_file_, error);
  if (!trust_ || time != trust_time_) {
    auto made = http::TlsContext::client(trust_file_);
    if (made) {
      trust_ = *made;
      trust_time_ = time;
    } else {
      log::warning("auth", "{}", made.error().message);
    }
  }
  return {outside_, renewals_, trust_};
}

std::shared_ptr<const OidcGate> GateKeeper::oidc(const std::string& balancer,
                                                 const OidcSettings& settings) {
  CHECK(keys_ != nullptr);
  return std::make_shared<const OidcGate>(balancer, settings, keys_, calls());
}

std::shared_ptr<const Gate> GateKeeper::jwt(const std::string& balancer,
                                            const JwtSettings& settings) {
  CHECK(keys_ != nullptr);
  auto& source = sources_[balancer + " " + settings.jwks_endpoint];
  if (!source) source = std::make_shared<KeySource>(settings.jwks_endpoint, outside_);
  return std::make_shared<const JwtGate>(settings, source, calls().tls);
}

void GateKeeper::forget_unused() {
  std::erase_if(sources_, [](const auto& each) { return each.second.use_count() == 1; });
}

}  // namespace landfall::proxy
