// JSON Web Tokens signed with public keys: RFC 7515 (compact form), 7517 (key sets), 7519 (claims).
// What OpenID Connect providers issue. No network: whoever has a key set parses it here.
#pragma once

#include <boost/json/object.hpp>
#include <memory>

#include "base/clock.h"
#include "base/result.h"

namespace landfall::jwt {

std::string base64url_encode(std::string_view bytes);  // without padding
Result<std::string> base64url_decode(std::string_view text);

inline constexpr std::size_t kMostTokenBytes = 20'000;

// A token that is well-formed; nothing is verified yet.
struct Token {
  std::string algorithm;  // "RS256"
  std::string key_id;     // empty: the token names none
  boost::json::object claims;
  std::string signed_text;
  std::string signature;

  std::string claim(std::string_view name) const;  // empty unless it is there and a string
  // "aud" is one string or several.
  std::vector<std::string> audiences() const;
};

// Error "invalid-token".
Result<Token> parse(std::string_view compact);

// "exp" must be there and in the future, "nbf" and "iat" in the past, give or take the leeway.
// Errors: "expired-token", "invalid-token".
Result<void> check_times(const Token& token, TimePoint now, std::chrono::seconds leeway);

// The public keys of one issuer (its "jwks_uri"). Copies share the keys.
class KeySet {
 public:
  // Keys of kinds that sign no token we know (encryption, symmetric, unknown curves, RSA below 2048
  // bits) are left out. Error "invalid-keys".
  static Result<KeySet> parse(std::string_view json);
  std::size_t size() const { return keys_.size(); }
  // RS256/384/512, ES256/384/512; never "none" and never a symmetric algorithm. Errors:
  // "unknown-algorithm", "unknown-key" (the set may be old: fetch it again), "bad-signature".
  Result<void> verify(const Token& token) const;

 private:
  struct Key {
    std::string id;
    std::string algorithm;  // empty: any that fits
    std::string curve;      // empty: RSA
    std::shared_ptr<void> key;
  };
  std::vector<Key> keys_;
};

}  // namespace landfall::jwt
