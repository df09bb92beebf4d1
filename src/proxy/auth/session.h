// The session of a user who has logged in: kept by the browser, in up to four cookies.
// docs: listener-authenticate-users
#pragma once

#include "proxy/auth/text_seal.h"
#include "proxy/config.h"
#include "proxy/http1/head.h"

namespace landfall::proxy {

struct Session {
  std::string access_token;
  std::string refresh_token;  // empty: the provider gives none
  std::string subject;
  std::string claims;                   // JSON: what the provider said of the user
  std::int64_t begun_seconds = 0;       // unix time of the login; a renewal does not change it
  std::int64_t token_ends_seconds = 0;  // of the access token; 0: unknown
  // What counts against the limit of 11 KiB.
  std::size_t size() const { return access_token.size() + refresh_token.size() + claims.size(); }
};
LF_RECORD(Session, access_token, refresh_token, subject, claims, begun_seconds, token_ends_seconds)

inline constexpr std::size_t kSessionLimit = 11 << 10;
inline constexpr std::size_t kMostShards = 4;

// The cookies "NAME-0", "NAME-1" ... of a request, joined; absent: it has no "NAME-0".
std::optional<std::string> session_cookie(const http1::RequestHead& head, std::string_view name);

// Set-Cookie lines for the shards of `sealed`, and such that remove those of a longer one that
// `head` has.
std::string session_cookie_lines(const http1::RequestHead& head, std::string_view name,
                                 std::string_view sealed, std::int64_t expires_seconds);

}  // namespace landfall::proxy
