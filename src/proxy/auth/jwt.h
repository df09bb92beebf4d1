// JSON Web Tokens: reading strangers' and checking their claims, keys to verify them, and our own.
#pragma once

#include <memory>

#include "proxy/config.h"

typedef struct evp_pkey_st EVP_PKEY;

namespace landfall::proxy {

struct Jwt {
  json::object header;
  json::object payload;
  std::string_view signed_part;  // inside the token that was read
  std::string signature;
};

// Absent: not a signed token in compact form (RFC 7515, 3.1), or one with critical extensions.
std::optional<Jwt> parse_jwt(std::string_view token);

// A claim or header parameter that is text; empty: there is none.
std::string_view text_of(const json::object& object, std::string_view name);
// Seconds; absent: none, or no number. Fractions are cut.
std::optional<std::int64_t> time_of(const json::object& object, std::string_view name);
// `name` is `text`, or a list with `text` in it.
bool names(const json::object& object, std::string_view name, std::string_view text);

// RSA keys of a provider (RFC 7517), for RS256 only: the algorithm that AWS has.
class KeySet {
 public:
  static constexpr std::size_t kMostKeys = 10;
  static constexpr std::size_t kMostBytes = 150 << 10;
  // Keys of other kinds are skipped. Errors: "jwks-invalid", "jwks-too-many-keys".
  static Result<KeySet> parse(std::string_view text);
  // An empty id: there is a key at all.
  bool knows(std::string_view id) const;
  // By the key named in the header; without a name any of them will do.
  bool verifies(const Jwt& token) const;
  std::size_t size() const { return keys_.size(); }

 private:
  struct Key {
    std::string id;
    std::shared_ptr<EVP_PKEY> key;
  };
  std::vector<Key> keys_;
};

// What an action of type jwt-validation wants of a token whose signature is good. An error reason
// of the access log; empty: nothing is wrong.
std::string_view claims_problem(const json::object& payload, const JwtSettings& settings,
                                std::int64_t now_seconds);

// P-256: signs what targets are told (ES256).
class SigningKey {
 public:
  // Error: "key-unreadable".
  static Result<SigningKey> from_pem(const std::string& pem);
  static SigningKey make();

  // In the form of a UUID, derived from the key.
  const std::string& id() const { return id_; }
  std::string private_pem() const;
  std::string public_pem() const;
  // Compact form; with padding, as AWS has it.
  std::string sign(const json::object& header, const json::object& payload) const;

 private:
  explicit SigningKey(std::shared_ptr<EVP_PKEY> key);
  std::shared_ptr<EVP_PKEY> key_;
  std::string id_;
};

}  // namespace landfall::proxy
