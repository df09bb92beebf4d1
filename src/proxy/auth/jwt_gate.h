// An action of type jwt-validation.
// docs: listener-verify-jwt
#pragma once

#include "proxy/auth/gate.h"
#include "proxy/auth/key_source.h"

namespace landfall::proxy {

class JwtGate final : public Gate, public std::enable_shared_from_this<JwtGate> {
 public:
  JwtGate(JwtSettings settings, std::shared_ptr<KeySource> source,
          std::shared_ptr<const http::TlsContext> tls)
      : settings_(std::move(settings)), source_(std::move(source)), tls_(std::move(tls)) {}

  bool admit(Exchange& exchange, const ClientFacts& client, http1::RequestHead& head, Spans body,
             bool end) const override;

 private:
  // A reason to refuse; empty: none.
  std::string_view problem_of(const Jwt& token, const KeySet& keys, std::int64_t now_seconds) const;
  void fetch_keys(Exchange& exchange, const ClientFacts& client, const http1::RequestHead& head,
                  Spans body, bool end) const;

  const JwtSettings settings_;
  const std::shared_ptr<KeySource> source_;
  const std::shared_ptr<const http::TlsContext> tls_;
};

}  // namespace landfall::proxy
