#include "proxy/auth/login.h"

#include "base/bytes.h"
#include "base/log.h"
#include "http/client.h"
#include "proxy/auth/jwt.h"

namespace landfall::proxy {
namespace {

using Kind = LoginResult::Kind;

constexpr std::size_t kAnswerLimit = 64 << 10;
constexpr std::int64_t kSkewSeconds = 60;
// They become header values.
bool fits_header(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) { return c > 0x20 && c < 0x7f; });
}

LoginResult ended(Kind kind, int status, std::string_view reason) {
  return {.kind = kind, .status = status, .reason = reason};
}

std::optional<json::object> object_in(std::string_view text) {
  boost::system::error_code error;
  json::value value = json::parse(text, error);
  if (error || !value.is_object()) return {};
  return std::move(value.get_object());
}

bool good(int status) { return status >= 200 && status < 300; }

// OpenID Connect Core, 3.1.3.7. The signature may be left unread, as the token came by TLS from the
// provider itself.
bool accepts_id_token(const OidcSettings& settings, std::string_view token,
                      std::string_view nonce_cookie, std::int64_t now, std::string& subject) {
  const auto jwt = parse_jwt(token);
  if (!jwt) return false;
  const json::object& claims = jwt->payload;
  const auto expires = time_of(claims, "exp");
  const std::string_view party = text_of(claims, "azp");
  subject = text_of(claims, "sub");
  return text_of(claims, "iss") == settings.issuer && names(claims, "aud", settings.client_id) &&
         (party.empty() || party == settings.client_id) && expires &&
         *expires > now - kSkewSeconds && !subject.empty() &&
         text_of(claims, "nonce") == nonce_parameter(nonce_cookie);
}

std::string form(const http::Parameters& parameters) {
  std::string out;
  for (const auto& [name, value] : parameters)
    out += fmt::format("{}{}={}", out.empty() ? "" : "&", name, percent_encode(value));
  return out;
}

task<Result<http::Response>> ask(io::Loop& loop, std::string method, std::string url,
                                 http::Headers headers, std::string body, Way way) {
  headers.set("Accept", "application/json");
  headers.set("User-Agent", "ELB/2.0");
  auto answer =
      co_await http::request(loop, std::move(method), url, std::move(headers), std::move(body),
                             {.timeout = kOutsideTimeout,
                              .body_limit = kAnswerLimit,
                              .network_namespace = way.network_namespace,
                              .tls = way.tls});
  if (!answer) {
    log::warning("auth", "{}: {}", url, answer.error().message);
  } else if (!good(answer->status)) {
    log::warning("auth", "{} answers {}", url, answer->status);
  }
  co_return answer;
}

task<LoginResult> ask_for_tokens(io::Loop& loop, OidcSettings settings, Way way,
                                 http::Parameters parameters, std::string nonce_cookie,
                                 Session session, std::int64_t now) {
  http::Headers headers;
  headers.set("Content-Type", "application/x-www-form-urlencoded");
  // client_secret_basic, which every provider must have (RFC 6749, 2.3.1).
  headers.set("Authorization", "Basic " + base64_encode(percent_encode(settings.client_id) + ":" +
                                                        percent_encode(settings.client_secret)));
  auto answer = co_await ask(loop, "POST", settings.token_endpoint, std::move(headers),
                             form(parameters), way);
  if (!answer) co_return ended(Kind::error, 500, "AuthTokenEpRequestTimeout");
  auto out = read_tokens(settings, *answer, nonce_cookie, now, std::move(session));
  if (out.kind != Kind::success) co_return out;
  http::Headers bearer;
  bearer.set("Authorization", "Bearer " + out.session.access_token);
  auto claims = co_await ask(loop, "GET", settings.user_info_endpoint, std::move(bearer), "", way);
  if (!claims && claims.error().code == "body-too-large")
    co_return ended(Kind::claims_too_large, 500, "AuthUserinfoResponseSizeExceeded");
  if (!claims) co_return ended(Kind::error, 500, "AuthUserinfoEpRequestTimeout");
  co_return read_claims(*claims, std::move(out.session));
}

}  // namespace

std::string nonce_parameter(std::string_view cookie) {
  return cookie.empty() ? std::string() : base64url_encode(sha256(cookie));
}

std::string authorization_url(const OidcSettings& settings, std::string_view redirect_uri,
                              std::string_view state, std::string_view nonce_cookie) {
  std::string out = settings.authorization_endpoint;
  out += out.find('?') == std::string::npos ? '?' : '&';
  http::Parameters parameters = {
      {"client_id", settings.client_id}, {"redirect_uri", std::string(redirect_uri)},
      {"response_type", "code"},         {"scope", settings.scope},
      {"state", std::string(state)},     {"nonce", nonce_parameter(nonce_cookie)}};
  for (const QueryPair& extra : settings.extra_parameters)
    parameters.emplace_back(percent_encode(extra.key), extra.value);
  return out + form(parameters);
}

LoginResult read_tokens(const OidcSettings& settings, const http::Response& answer,
                        std::string_view nonce_cookie, std::int64_t now, Session session) {
  const auto object = object_in(answer.body);
  if (!good(answer.status)) {
    if (object && text_of(*object, "error") == "invalid_grant")
      return ended(Kind::failure, 561, "AuthInvalidGrantError");
    return ended(Kind::error, 561, "AuthTokenEpRequestFailed");
  }
  const std::string_view access = object ? text_of(*object, "access_token") : "";
  const std::string_view type = object ? text_of(*object, "token_type") : "";
  if (access.empty() || !fits_header(access) || !http::equal_ignoring_case(type, "bearer"))
    return ended(Kind::error, 561, "AuthInvalidTokenResponse");
  if (!nonce_cookie.empty() && !accepts_id_token(settings, text_of(*object, "id_token"),
                                                 nonce_cookie, now, session.subject)) {
    return ended(Kind::failure, 401, "AuthInvalidIdToken");
  }
  session.access_token = access;
  const std::string_view refresh = text_of(*object, "refresh_token");
  if (!refresh.empty() || !nonce_cookie.empty()) session.refresh_token = refresh;
  const auto lasts = time_of(*object, "expires_in");
  session.token_ends_seconds = lasts && *lasts > 0 ? now + *lasts : 0;
  return {.session = std::move(session)};
}

LoginResult read_claims(const http::Response& answer, Session session) {
  if (!good(answer.status)) return ended(Kind::error, 561, "AuthUserinfoEpRequestFailed");
  const auto object = object_in(answer.body);
  // OpenID Connect Core, 5.3.2: claims of another subject must not be used.
  if (!object || session.subject.empty() || text_of(*object, "sub") != session.subject ||
      !fits_header(session.subject)) {
    return ended(Kind::error, 561, "AuthInvalidUserinfoResponse");
  }
  session.claims = json::serialize(*object);
  if (session.size() > kSessionLimit)
    return ended(Kind::claims_too_large, 500, "AuthUserinfoResponseSizeExceeded");
  return {.session = std::move(session)};
}

task<LoginResult> log_in(io::Loop& loop, OidcSettings settings, Way way, std::string code,
                         std::string redirect_uri, std::string nonce_cookie, std::int64_t now) {
  Session session;
  session.begun_seconds = now;
  http::Parameters parameters = {{"grant_type", "authorization_code"},
                                 {"code", std::move(code)},
                                 {"redirect_uri", std::move(redirect_uri)}};
  co_return co_await ask_for_tokens(loop, std::move(settings), std::move(way),
                                    std::move(parameters), std::move(nonce_cookie),
                                    std::move(session), now);
}

task<LoginResult> renew(io::Loop& loop, OidcSettings settings, Way way, Session session,
                        std::int64_t now) {
  http::Parameters parameters = {{"grant_type", "refresh_token"},
                                 {"refresh_token", session.refresh_token}};
  co_return co_await ask_for_tokens(loop, std::move(settings), std::move(way),
                                    std::move(parameters), "", std::move(session), now);
}

}  // namespace landfall::proxy
