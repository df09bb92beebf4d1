#include "proxy/auth/jwt_gate.h"

#include "proxy/auth/parking.h"
#include "proxy/http1/scan.h"

namespace landfall::proxy {
namespace {

constexpr std::int64_t kKeysWaitMs = 6'000;

// What follows "Bearer"; more than one Authorization is none that can be trusted.
std::optional<Jwt> token_in(const http1::RequestHead& head, std::string_view& problem) {
  const http1::Field* found = nullptr;
  for (const http1::Field& field : head.fields) {
    if (field.dropped || !http1::equals_lower(field.name, "authorization")) continue;
    if (found != nullptr) {
      problem = "JWTRequestFormatInvalid";
      return {};
    }
    found = &field;
  }
  if (found == nullptr) {
    problem = "JWTHeaderNotPresent";
    return {};
  }
  static constexpr std::size_t kScheme = 7;
  problem = "JWTRequestFormatInvalid";
  if (!http1::equals_lower(found->value.substr(0, kScheme), "bearer ")) return {};
  auto token = parse_jwt(http1::trim(found->value.substr(kScheme)));
  if (!token || text_of(token->header, "alg") != "RS256") return {};
  problem = {};
  return token;
}

}  // namespace

std::string_view JwtGate::problem_of(const Jwt& token, const KeySet& keys, std::int64_t now) const {
  if (!keys.verifies(token)) return "JWTSignatureValidationError";
  return claims_problem(token.payload, settings_, now);
}

bool JwtGate::admit(Exchange& exchange, const ClientFacts& client, http1::RequestHead& head,
                    Spans body, bool end) const {
  exchange.admission = std::make_unique<Admission>();
  exchange.admission->action = "jwt-validation";
  std::string_view problem;
  const auto token = token_in(head, problem);
  if (!token) {
    refuse(exchange, 401, problem);
    return false;
  }
  const std::int64_t now = exchange.worker.unix_seconds();
  const auto keys = source_->current(now);
  const std::string_view failed = keys ? std::string_view() : source_->just_failed(now);
  if (!failed.empty()) {
    refuse(exchange, 562, failed);
    return false;
  }
  const bool known = keys && keys->knows(text_of(token->header, "kid"));
  // The provider may have a new key; who makes up ids must not make us ask again and again.
  if (!keys || (!known && source_->may_fetch(now))) {
    fetch_keys(exchange, client, head, body, end);
    return false;
  }
  if (source_->ageing(now))
    source_->fetch({client.from ? client.from->path : "", tls_}, now, nullptr);
  problem = problem_of(*token, *keys, now);
  if (problem.empty()) return true;
  refuse(exchange, 401, problem);
  return false;
}

void JwtGate::fetch_keys(Exchange& exchange, const ClientFacts& client,
                         const http1::RequestHead& head, Spans body, bool end) const {
  const auto parking =
      Parking::park(exchange, client, head, body, end, kKeysWaitMs, 562, "JWKSRequestTimeout");
  Worker& worker = exchange.worker;
  const auto then = [gate = shared_from_this()](Parking::Kept& kept, const KeySource::Keys& keys,
                                                std::string_view reason) {
    Exchange& waited = kept.exchange;
    const std::int64_t now = waited.worker.unix_seconds();
    // What there was before still serves, within its time.
    const auto best = keys ? keys : gate->source_->current(now);
    if (!best) return refuse(waited, 562, reason);
    std::string_view problem;
    const auto token = token_in(kept.head, problem);
    if (token) problem = gate->problem_of(*token, *best, now);
    if (!problem.empty()) return refuse(waited, 401, problem);
    waited.act(kept.client, kept.head, kept.body, kept.end);
  };
  source_->fetch({client.from ? client.from->path : "", tls_}, worker.unix_seconds(),
                 [&worker, weak = std::weak_ptr(parking), then](KeySource::Keys keys,
                                                                std::string_view reason) {
                   worker.post([weak, then, keys = std::move(keys), reason] {
                     const auto waiting = weak.lock();
                     if (!waiting) return;
                     waiting->resume([&](Parking::Kept& kept) { then(kept, keys, reason); });
                   });
                 });
}

}  // namespace landfall::proxy
