// The authorization code flow of OpenID Connect, from the balancer's side: what the browser is sent
// away with, and what is asked of the provider when it comes back.
// docs: listener-authenticate-users; openid.net/specs/openid-connect-core-1_0.html
#pragma once

#include "http/message.h"
#include "proxy/auth/outside.h"
#include "proxy/auth/session.h"

namespace landfall::proxy {

// Travels through the provider, sealed, as the parameter `state`.
struct LoginState {
  std::uint64_t gate = 0;  // which action's login it is
  std::string url;         // where the user wanted to go
  std::string nonce;       // what the browser holds in AWSALBAuthNonce
  std::int64_t begun_seconds = 0;
};
LF_RECORD(LoginState, gate, url, nonce, begun_seconds)

inline constexpr std::int64_t kLoginSeconds = 15 * 60;

// The `nonce` of the authentication request: does not tell the cookie's value to the provider.
std::string nonce_parameter(std::string_view cookie);
std::string authorization_url(const OidcSettings& settings, std::string_view redirect_uri,
                              std::string_view state, std::string_view nonce_cookie);

// How an attempt ended.
struct LoginResult {
  enum class Kind : std::uint8_t {
    success,
    failure,  // the provider denied it (ELBAuthFailure)
    error,    // it could not be completed (ELBAuthError)
    claims_too_large,
  };
  Kind kind = Kind::success;
  int status = 0;           // what the client gets
  std::string_view reason;  // of the access log; a constant
  Session session;
};

// Reads the token endpoint's answer into `session`. `nonce_cookie` empty: a renewal, whose answer
// may have no id token.
LoginResult read_tokens(const OidcSettings& settings, const http::Response& answer,
                        std::string_view nonce_cookie, std::int64_t now_seconds, Session session);
// The same for the user info endpoint.
LoginResult read_claims(const http::Response& answer, Session session);

// Exchanges the code for tokens and asks for the user's claims.
task<LoginResult> log_in(io::Loop& loop, OidcSettings settings, Way way, std::string code,
                         std::string redirect_uri, std::string nonce_cookie,
                         std::int64_t now_seconds);
// New tokens for a session whose access token has expired, and the claims anew.
task<LoginResult> renew(io::Loop& loop, OidcSettings settings, Way way, Session session,
                        std::int64_t now_seconds);

}  // namespace landfall::proxy
