// An action of type authenticate-oidc.
#pragma once

#include "proxy/auth/gate.h"
#include "proxy/auth/jwt.h"
#include "proxy/auth/renewals.h"

namespace landfall::proxy {

// What all gates of a configuration share.
struct GateKeys {
  TextSeal sessions, states;
  SigningKey signer;
};

// What they need to ask outside.
struct GateCalls {
  std::shared_ptr<OutsideCalls> outside;
  std::shared_ptr<Renewals> renewals;
  std::shared_ptr<const http::TlsContext> tls;
};

class OidcGate final : public Gate, public std::enable_shared_from_this<OidcGate> {
 public:
  OidcGate(std::string balancer, OidcSettings settings, std::shared_ptr<const GateKeys> keys,
           GateCalls calls);

  bool admit(Exchange& exchange, const ClientFacts& client, http1::RequestHead& head, Spans body,
             bool end) const override;
  // Names it in states: the same for equal settings, in every process.
  std::uint64_t id() const { return id_; }
  // The user is back with a code.
  void finish_login(Exchange& exchange, const ClientFacts& client, const http1::RequestHead& head,
                    std::string code, LoginState state) const;
  std::optional<LoginState> open_state(std::string_view sealed) const;

 private:
  bool without_session(Exchange& exchange, const http1::RequestHead& head) const;
  void begin_login(Exchange& exchange, const http1::RequestHead& head) const;
  void renew_session(Exchange& exchange, const ClientFacts& client, const http1::RequestHead& head,
                     Spans body, bool end, Session session) const;
  std::string cookie_lines(const http1::RequestHead& head, const Session& session) const;
  // What the target is told.
  std::string fields_of(const Session& session, std::int64_t now_seconds) const;
  Way way(const ClientFacts& client) const;

  const std::string balancer_;
  const OidcSettings settings_;
  const std::shared_ptr<const GateKeys> keys_;
  const GateCalls calls_;
  std::string binding_;  // sessions of other actions do not open here
  std::uint64_t id_;
};

// "x-amzn-oidc-..." and its look-alikes with '_' are ours to set.
void drop_identity_fields(http1::RequestHead& head);

}  // namespace landfall::proxy
