#include "proxy/auth/oidc_gate.h"

#include "base/bytes.h"
#include "base/random.h"
#include "proxy/auth/parking.h"
#include "proxy/engine/cookies.h"
#include "proxy/http1/scan.h"

namespace landfall::proxy {
namespace {

constexpr std::string_view kNonceCookie = "AWSALBAuthNonce";
constexpr std::size_t kNonceSize = 22;  // 16 bytes
constexpr std::size_t kLocationLimit = 8 << 10;
constexpr std::int64_t kTokenSeconds = 120;    // how long targets may believe what we sign
constexpr std::int64_t kLoginWaitMs = 11'000;  // two questions outside
constexpr std::string_view kOrigin = "https://";

std::string new_nonce() {
  unsigned char bytes[16];
  SystemRandom().fill(bytes);
  return base64url_encode({reinterpret_cast<const char*>(bytes), sizeof bytes});
}

// Several tabs of a browser may be at it at once: they share the cookie.
std::string nonce_of(const http1::RequestHead& head) {
  const auto held = find_cookie(head, kNonceCookie);
  const bool ours = held && held->size() == kNonceSize && std::ranges::all_of(*held, [](char c) {
                      return http1::is_token(c) &&
                             std::string_view("!#$%&'*+.^`|~").find(c) == std::string_view::npos;
                    });
  return ours ? std::string(*held) : new_nonce();
}

std::string redirect_uri(const http1::RequestHead& head) {
  return fmt::format("{}{}{}", kOrigin, head.authority, kLoginAnswerPath);
}

void count(Exchange& exchange, const LoginResult& result, bool renewal) {
  Counters& counters = *exchange.balancer_counts;
  switch (result.kind) {
    case LoginResult::Kind::success:
      return counters.add(renewal ? Count::auth_refreshes : Count::auth_successes);
    case LoginResult::Kind::failure:
      return counters.add(Count::auth_failures);
    case LoginResult::Kind::error:
      return counters.add(Count::auth_errors);
    case LoginResult::Kind::claims_too_large:
      counters.add(Count::auth_errors);
      return counters.add(Count::auth_claims_too_large);
  }
}

}  // namespace

void drop_identity_fields(http1::RequestHead& head) {
  static constexpr std::string_view kPrefix = "x-amzn-oidc-";
  for (http1::Field& field : head.fields) {
    if (field.name.size() < kPrefix.size()) continue;
    bool same = true;
    for (std::size_t i = 0; i < kPrefix.size() && same; ++i) {
      const char c = field.name[i] == '_' ? '-' : http1::lower(field.name[i]);
      same = c == kPrefix[i];
    }
    field.dropped = field.dropped || same;
  }
}

OidcGate::OidcGate(std::string balancer, OidcSettings settings,
                   std::shared_ptr<const GateKeys> keys, GateCalls calls)
    : balancer_(std::move(balancer)),
      settings_(std::move(settings)),
      keys_(std::move(keys)),
      calls_(std::move(calls)),
      binding_(record::to_text(std::vector<std::string>{balancer_, settings_.issuer,
                                                        settings_.token_endpoint,
                                                        settings_.client_id, settings_.cookie})),
      id_(digest_of(binding_ + settings_.scope + settings_.authorization_endpoint)) {}

Way OidcGate::way(const ClientFacts& client) const {
  return {client.from ? client.from->path : "", calls_.tls};
}

std::string OidcGate::cookie_lines(const http1::RequestHead& head, const Session& session) const {
  return session_cookie_lines(head, settings_.cookie,
                              keys_->sessions.seal(record::to_text(session), binding_),
                              session.begun_seconds + settings_.session_seconds);
}

// docs: listener-authenticate-users, user claims encoding
std::string OidcGate::fields_of(const Session& session, std::int64_t now) const {
  const std::int64_t until = now + kTokenSeconds;
  json::object claims;
  boost::system::error_code error;
  if (json::value value = json::parse(session.claims, error); !error && value.is_object())
    claims = std::move(value.get_object());
  claims["exp"] = until;
  claims["iss"] = settings_.issuer;
  const json::object header = {{"typ", "JWT"},
                               {"kid", keys_->signer.id()},
                               {"alg", "ES256"},
                               {"iss", settings_.issuer},
                               {"client", settings_.client_id},
                               {"signer", balancer_},
                               {"exp", until}};
  return fmt::format(
      "x-amzn-oidc-accesstoken: {}\r\nx-amzn-oidc-identity: {}\r\nx-amzn-oidc-data: {}\r\n",
      session.access_token, session.subject, keys_->signer.sign(header, claims));
}

bool OidcGate::admit(Exchange& exchange, const ClientFacts& client, http1::RequestHead& head,
                     Spans body, bool end) const {
  exchange.admission = std::make_unique<Admission>();
  Admission& admission = *exchange.admission;
  admission.action = "authenticate";
  drop_identity_fields(head);
  const auto sealed = session_cookie(head, settings_.cookie);
  if (!sealed) return without_session(exchange, head);
  const auto text = keys_->sessions.open(*sealed, binding_);
  auto session = text ? record::from_text<Session>(*text)
                      : Result<Session>(fail("invalid", "not a session of ours"));
  const std::int64_t now = exchange.worker.unix_seconds();
  if (!session) {
    admission.reason = "AuthInvalidCookie";
    return without_session(exchange, head);
  }
  if (now >= session->begun_seconds + settings_.session_seconds)
    return without_session(exchange, head);
  const bool stale = session->token_ends_seconds != 0 && now >= session->token_ends_seconds;
  if (stale && !session->refresh_token.empty()) {
    renew_session(exchange, client, head, body, end, std::move(*session));
    return false;
  }
  admission.fields = fields_of(*session, now);
  return true;
}

bool OidcGate::without_session(Exchange& exchange, const http1::RequestHead& head) const {
  switch (settings_.unauthenticated) {
    case Unauthenticated::allow:
      return true;
    case Unauthenticated::deny:
      refuse(exchange, 401, exchange.admission->reason);
      return false;
    case Unauthenticated::authenticate:
      break;
  }
  begin_login(exchange, head);
  return false;
}

void OidcGate::begin_login(Exchange& exchange, const http1::RequestHead& head) const {
  if (head.authority.empty()) return refuse(exchange, 401, "AuthMissingHostHeader");
  const std::string nonce = nonce_of(head);
  LoginState state{.gate = id_, .nonce = nonce, .begun_seconds = exchange.worker.unix_seconds()};
  state.url =
      fmt::format("{}{}{}{}{}{}", kOrigin, head.authority, head.path.starts_with('/') ? "" : "/",
                  head.path, head.has_query ? "?" : "", head.query);
  std::string location = authorization_url(
      settings_, redirect_uri(head), keys_->states.seal(record::to_text(state), balancer_), nonce);
  if (location.size() > kLocationLimit) {
    exchange.admission->refused = true;
    return exchange.fail(414, Cause::malformed_request);
  }
  send_away(exchange, std::move(location),
            fmt::format("Set-Cookie: {}={}; Path=/; Secure; HttpOnly\r\n", kNonceCookie, nonce));
}

std::optional<LoginState> OidcGate::open_state(std::string_view sealed) const {
  const auto text = keys_->states.open(sealed, balancer_);
  if (!text) return {};
  auto state = record::from_text<LoginState>(*text);
  if (!state) return {};
  return std::move(*state);
}

namespace {

struct Comeback {
  std::shared_ptr<const OidcGate> gate;  // with all that it refers to
  Worker& worker;
  std::weak_ptr<Parking> parking;
  std::int64_t begun_us = Worker::clock_us();
  // Called on the worker's thread.
  std::function<void(const OidcGate&, Parking::Kept&, LoginResult&)> then;
};

void come_back(Comeback to, LoginResult result) {
  Worker& worker = to.worker;
  worker.post([to = std::move(to), result = std::move(result)]() mutable {
    const auto parking = to.parking.lock();
    if (!parking) return;
    parking->resume([&](Parking::Kept& kept) {
      kept.exchange.balancer_counts->auth_time.record(
          static_cast<std::uint64_t>(Worker::clock_us() - to.begun_us));
      to.then(*to.gate, kept, result);
    });
  });
}

task<void> log_in_and_come_back(io::Loop& loop, Comeback to, OidcSettings settings, Way way,
                                std::string code, std::string uri, std::string nonce,
                                std::int64_t now) {
  auto result = co_await log_in(loop, std::move(settings), std::move(way), std::move(code),
                                std::move(uri), std::move(nonce), now);
  come_back(std::move(to), std::move(result));
}

task<void> renew_for_all(io::Loop& loop, std::shared_ptr<Renewals> renewals, OidcSettings settings,
                         Way way, Session session, std::int64_t now) {
  const std::string token = session.refresh_token;
  const auto result =
      co_await renew(loop, std::move(settings), std::move(way), std::move(session), now);
  renewals->finish(token, now, result);
}

}  // namespace

void OidcGate::finish_login(Exchange& exchange, const ClientFacts& client,
                            const http1::RequestHead& head, std::string code,
                            LoginState state) const {
  const auto parking = Parking::park(exchange, client, head, {}, true, kLoginWaitMs, 500,
                                     "AuthTokenEpRequestTimeout");
  Comeback to{
      .gate = shared_from_this(), .worker = exchange.worker, .parking = parking, .then = {}};
  to.then = [url = state.url](const OidcGate& gate, Parking::Kept& kept, LoginResult& result) {
    count(kept.exchange, result, false);
    if (result.kind != LoginResult::Kind::success)
      return refuse(kept.exchange, result.status, result.reason);
    send_away(kept.exchange, url, gate.cookie_lines(kept.head, result.session));
  };
  const bool started =
      calls_.outside->start([to = std::move(to), settings = settings_, way = way(client),
                             code = std::move(code), uri = redirect_uri(head), nonce = state.nonce,
                             now = exchange.worker.unix_seconds()](io::Loop& loop) {
        return log_in_and_come_back(loop, to, settings, way, code, uri, nonce, now);
      });
  if (started) return;
  exchange.balancer_counts->add(Count::auth_errors);
  refuse(exchange, 500, "AuthTokenEpRequestTimeout");
}

// docs: listener-authenticate-users, session timeout: until then the tokens are renewed, and a user
// logs in again only where that fails.
void OidcGate::renew_session(Exchange& exchange, const ClientFacts& client,
                             const http1::RequestHead& head, Spans body, bool end,
                             Session session) const {
  const auto parking = Parking::park(exchange, client, head, body, end, kLoginWaitMs, 500,
                                     "AuthTokenEpRequestTimeout");
  Comeback to{
      .gate = shared_from_this(), .worker = exchange.worker, .parking = parking, .then = {}};
  to.then = [](const OidcGate& gate, Parking::Kept& kept, LoginResult& result) {
    Exchange& waited = kept.exchange;
    count(waited, result, true);
    drop_identity_fields(kept.head);
    if (result.kind == LoginResult::Kind::success) {
      waited.cookies += gate.cookie_lines(kept.head, result.session);
      waited.admission->fields = gate.fields_of(result.session, waited.worker.unix_seconds());
    } else {
      waited.admission->reason = result.reason;
      if (!gate.without_session(waited, kept.head)) return;
    }
    waited.act(kept.client, kept.head, kept.body, kept.end);
  };
  const std::int64_t now = exchange.worker.unix_seconds();
  const std::string token = session.refresh_token;
  LoginResult known;
  const auto turn = calls_.renewals->enter(
      token, now, [to](const LoginResult& result) { come_back(to, result); }, known);
  if (turn == Renewals::Turn::known)
    return parking->resume([&](Parking::Kept& kept) { to.then(*to.gate, kept, known); });
  if (turn == Renewals::Turn::waits) return;
  const bool started =
      calls_.outside->start([renewals = calls_.renewals, settings = settings_, way = way(client),
                             session = std::move(session), now](io::Loop& loop) {
        return renew_for_all(loop, renewals, settings, way, session, now);
      });
  if (started) return;
  calls_.renewals->finish(
      token, now,
      {.kind = LoginResult::Kind::error, .status = 500, .reason = "AuthTokenEpRequestTimeout"});
}

namespace {

// The first of that name, decoded; empty: none.
std::string parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    if (pair.starts_with(name) && pair.substr(name.size()).starts_with('=')) {
      auto value = percent_decode(pair.substr(name.size() + 1), true);
      return value ? std::move(*value) : std::string();
    }
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return {};
}

}  // namespace

void take_login_answer(Exchange& exchange, const ClientFacts& client,
                       const http1::RequestHead& head) {
  exchange.admission = std::make_unique<Admission>();
  exchange.admission->action = "authenticate";
  const auto fails = [&](std::string_view reason) {
    exchange.balancer_counts->add(Count::auth_failures);
    refuse(exchange, 401, reason);
  };
  if (head.authority.empty()) return fails("AuthMissingHostHeader");
  const std::string sealed = parameter(head.query, "state");
  if (sealed.empty()) return fails("AuthMissingStateParam");
  // All gates of a listener open each other's states: they are of one load balancer.
  auto state = exchange.listener->logins.front()->open_state(sealed);
  const std::int64_t now = exchange.worker.unix_seconds();
  if (!state || now - state->begun_seconds > kLoginSeconds) return fails("AuthInvalidStateParam");
  const OidcGate* gate = nullptr;
  for (const auto& each : exchange.listener->logins)
    if (each->id() == state->gate) gate = each.get();
  if (gate == nullptr) return fails("AuthInvalidStateParam");
  const auto nonce = find_cookie(head, kNonceCookie);
  if (!nonce) return fails("AuthMissingAWSALBAuthNonce");
  if (!equal_constant_time(*nonce, state->nonce)) return fails("AuthInvalidAWSALBAuthNonce");
  if (!parameter(head.query, "error").empty()) {
    exchange.balancer_counts->add(Count::auth_failures);
    return refuse(exchange, 561, "AuthMissingCodeParam");
  }
  std::string code = parameter(head.query, "code");
  if (code.empty()) return fails("AuthMissingCodeParam");
  gate->finish_login(exchange, client, head, std::move(code), std::move(*state));
}

}  // namespace landfall::proxy
