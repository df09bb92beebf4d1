#include "proxy/auth/gate_keeper.h"

#include "base/bytes.h"
#include "base/check.h"
#include "proxy/auth/jwt_gate.h"
#include "proxy/auth/oidc_gate.h"

namespace landfall::proxy {

GateKeeper::GateKeeper() : outside_(std::make_shared<OutsideCalls>()) {}
GateKeeper::~GateKeeper() = default;

void GateKeeper::stop() { outside_->stop(); }

Result<void> GateKeeper::use(const std::string& cookie_key, const std::string& identity_key,
                             const std::string& trust_file) {
  const std::string parts =
      record::to_text(std::vector<std::string>{cookie_key, identity_key, trust_file});
  if (keys_ && used_ == parts) return {};
  if (identity_key.empty() && own_identity_.empty())
    own_identity_ = SigningKey::make().private_pem();
  auto signer = SigningKey::from_pem(identity_key.empty() ? own_identity_ : identity_key);
  const auto key = base64_decode(cookie_key);
  if (!signer || !key) return fail("snapshot-invalid", "the key for identities is unreadable", 500);
  keys_ = std::make_shared<const GateKeys>(GateKeys{.sessions = TextSeal(*key, "auth/session"),
                                                    .states = TextSeal(*key, "auth/state"),
                                                    .signer = std::move(*signer),
                                                    .trust_file = trust_file});
  used_ = parts;
  return {};
}

std::shared_ptr<const OidcGate> GateKeeper::oidc(const std::string& balancer,
                                                 const OidcSettings& settings) {
  CHECK(keys_ != nullptr);
  return std::make_shared<const OidcGate>(balancer, settings, keys_, outside_);
}

std::shared_ptr<const Gate> GateKeeper::jwt(const std::string& balancer,
                                            const JwtSettings& settings) {
  CHECK(keys_ != nullptr);
  auto& source = sources_[balancer + " " + settings.jwks_endpoint];
  if (!source) source = std::make_shared<KeySource>(settings.jwks_endpoint, outside_);
  return std::make_shared<const JwtGate>(settings, source, keys_->trust_file);
}

void GateKeeper::forget_unused() {
  std::erase_if(sources_, [](const auto& each) { return each.second.use_count() == 1; });
}

}  // namespace landfall::proxy
