#include "base/jwt.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <boost/json.hpp>

#include "base/bytes.h"

namespace landfall::jwt {
namespace {

constexpr std::size_t kMostKeys = 200;
constexpr int kLeastRsaBits = 2048;
constexpr std::size_t kMostRsaBytes = 1024;
constexpr std::size_t kMostExponentBytes = 8;

struct Algorithm {
  std::string_view name;
  std::string_view curve;  // empty: RSA, PKCS #1 1.5
  const char* digest;
  std::size_t half_bytes;  // of an ECDSA signature
};
constexpr Algorithm kAlgorithms[] = {
    {"RS256", "", "SHA256", 0},       {"RS384", "", "SHA384", 0},
    {"RS512", "", "SHA512", 0},       {"ES256", "P-256", "SHA256", 32},
    {"ES384", "P-384", "SHA384", 48}, {"ES512", "P-521", "SHA512", 66},
};

template <class T, void (*Free)(T*)>
struct Freed {
  void operator()(T* held) const { Free(held); }
};
using Parameters = std::unique_ptr<OSSL_PARAM, Freed<OSSL_PARAM, OSSL_PARAM_free>>;
using Builder = std::unique_ptr<OSSL_PARAM_BLD, Freed<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>>;
using Number = std::unique_ptr<BIGNUM, Freed<BIGNUM, BN_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Freed<EVP_PKEY_CTX, EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX, EVP_MD_CTX_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Freed<ECDSA_SIG, ECDSA_SIG_free>>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Number number(std::string_view bytes) {
  return Number(BN_bin2bn(bytes_of(bytes), static_cast<int>(bytes.size()), nullptr));
}

Result<boost::json::object> object_of(std::string_view encoded, std::string_view what) {
  auto text = base64url_decode(encoded);
  if (!text) return fail("invalid-token", fmt::format("the token's {} is not base64url", what));
  boost::system::error_code error;
  auto value = boost::json::parse(*text, error);
  if (error || !value.is_object()) {
    return fail("invalid-token", fmt::format("the token's {} is not a JSON object", what));
  }
  return std::move(value.as_object());
}

std::string text_of(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : std::string();
}

std::shared_ptr<void> make_key(const char* type, OSSL_PARAM_BLD* builder) {
  const Parameters parameters(OSSL_PARAM_BLD_to_param(builder));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return nullptr;
  }
  return {key, [](void* held) { EVP_PKEY_free(static_cast<EVP_PKEY*>(held)); }};
}

std::shared_ptr<void> rsa_key(const boost::json::object& json) {
  const auto modulus = base64url_decode(text_of(json, "n"));
  const auto exponent = base64url_decode(text_of(json, "e"));
  if (!modulus || !exponent || modulus->size() > kMostRsaBytes || exponent->empty() ||
      exponent->size() > kMostExponentBytes) {
    return nullptr;
  }
  const Number n = number(*modulus);
  const Number e = number(*exponent);
  if (BN_num_bits(n.get()) < kLeastRsaBits) return nullptr;
  const Builder builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get());
  return make_key("RSA", builder.get());
}

// A point that is not on its curve makes no key.
std::shared_ptr<void> curve_key(const boost::json::object& json, const Algorithm& algorithm) {
  const auto x = base64url_decode(text_of(json, "x"));
  const auto y = base64url_decode(text_of(json, "y"));
  if (!x || !y || x->size() != algorithm.half_bytes || y->size() != algorithm.half_bytes) {
    return nullptr;
  }
  const std::string point = "\x04" + *x + *y;
  const Builder builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, algorithm.curve.data(),
                                  algorithm.curve.size());
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                   point.size());
  return make_key("EC", builder.get());
}

// ECDSA signatures are two numbers of fixed length in a token, and DER for OpenSSL.
std::string der_of(std::string_view signature, std::size_t half) {
  if (signature.size() != 2 * half) return {};
  const Signature pair(ECDSA_SIG_new());
  ECDSA_SIG_set0(pair.get(), number(signature.substr(0, half)).release(),
                 number(signature.substr(half)).release());
  unsigned char* encoded = nullptr;
  const int length = i2d_ECDSA_SIG(pair.get(), &encoded);
  if (length <= 0) return {};
  std::string der(reinterpret_cast<char*>(encoded), static_cast<std::size_t>(length));
  OPENSSL_free(encoded);
  return der;
}

bool verifies(EVP_PKEY* key, const Algorithm& algorithm, const Token& token) {
  const std::string signature =
      algorithm.curve.empty() ? token.signature : der_of(token.signature, algorithm.half_bytes);
  const DigestContext context(EVP_MD_CTX_new());
  return !signature.empty() &&
         EVP_DigestVerifyInit_ex(context.get(), nullptr, algorithm.digest, nullptr, nullptr, key,
                                 nullptr) == 1 &&
         EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(),
                          bytes_of(token.signed_text), token.signed_text.size()) == 1;
}

// Seconds since 1970. The error is a claim that is there and no number.
Result<std::optional<double>> time_claim(const Token& token, std::string_view name) {
  const auto* value = token.claims.if_contains(name);
  if (value == nullptr) return std::nullopt;
  boost::system::error_code error;
  const double seconds = value->to_number<double>(error);
  if (error || !(std::abs(seconds) < 1e12)) {
    return fail("invalid-token", fmt::format("the claim {} is not a time", name));
  }
  return seconds;
}

}  // namespace

std::string base64url_encode(std::string_view bytes) {
  std::string text = base64_encode(bytes);
  while (text.ends_with('=')) text.pop_back();
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

Result<std::string> base64url_decode(std::string_view text) {
  if (text.find_first_of("+/=") != std::string_view::npos) {
    return fail("invalid-base64", "not base64url");
  }
  std::string plain(text);
  std::replace(plain.begin(), plain.end(), '-', '+');
  std::replace(plain.begin(), plain.end(), '_', '/');
  plain.append((4 - plain.size() % 4) % 4, '=');
  return base64_decode(plain);
}

std::string Token::claim(std::string_view name) const { return text_of(claims, name); }

std::vector<std::string> Token::audiences() const {
  std::vector<std::string> all;
  const auto* value = claims.if_contains("aud");
  if (value == nullptr) return all;
  if (value->is_string()) all.emplace_back(value->as_string());
  if (value->is_array()) {
    for (const auto& one : value->as_array()) {
      if (one.is_string()) all.emplace_back(one.as_string());
    }
  }
  return all;
}

Result<Token> parse(std::string_view compact) {
  if (compact.size() > kMostTokenBytes) return fail("invalid-token", "the token is too long");
  const std::size_t first = compact.find('.');
  const std::size_t second = first == compact.npos ? first : compact.find('.', first + 1);
  if (second == compact.npos || compact.find('.', second + 1) != compact.npos) {
    return fail("invalid-token", "a token has three parts");
  }
  LF_TRY(header, object_of(compact.substr(0, first), "header"));
  LF_TRY(claims, object_of(compact.substr(first + 1, second - first - 1), "payload"));
  auto signature = base64url_decode(compact.substr(second + 1));
  if (!signature) return fail("invalid-token", "the token's signature is not base64url");
  // RFC 7515, section 4.1.11: what must be understood and is not.
  if (header.contains("crit")) return fail("invalid-token", "the token has critical extensions");
  Token token;
  token.algorithm = text_of(header, "alg");
  token.key_id = text_of(header, "kid");
  token.claims = std::move(claims);
  token.signed_text = compact.substr(0, second);
  token.signature = std::move(*signature);
  if (token.algorithm.empty()) return fail("invalid-token", "the token names no algorithm");
  return token;
}

Result<void> check_times(const Token& token, TimePoint now, std::chrono::seconds leeway) {
  const double now_s = static_cast<double>(to_unix_ms(now)) / 1000;
  const auto slack = static_cast<double>(leeway.count());
  LF_TRY(expiry, time_claim(token, "exp"));
  LF_TRY(not_before, time_claim(token, "nbf"));
  LF_TRY(issued, time_claim(token, "iat"));
  if (!expiry) return fail("invalid-token", "the token has no expiry");
  if (*expiry + slack <= now_s) return fail("expired-token", "the token has expired");
  if (not_before && *not_before - slack > now_s) {
    return fail("invalid-token", "the token is not valid yet");
  }
  if (issued && *issued - slack > now_s) {
    return fail("invalid-token", "the token was issued in the future");
  }
  return {};
}

Result<KeySet> KeySet::parse(std::string_view json) {
  boost::system::error_code error;
  const auto document = boost::json::parse(json, error);
  const auto* keys =
      error || !document.is_object() ? nullptr : document.as_object().if_contains("keys");
  if (keys == nullptr || !keys->is_array()) {
    return fail("invalid-keys", "not a JSON Web Key Set");
  }
  if (keys->as_array().size() > kMostKeys) {
    return fail("invalid-keys", fmt::format("more than {} keys", kMostKeys));
  }
  KeySet set;
  for (const auto& one : keys->as_array()) {
    if (!one.is_object()) return fail("invalid-keys", "a key is not a JSON object");
    const auto& object = one.as_object();
    const std::string use = text_of(object, "use");
    if (!use.empty() && use != "sig") continue;
    Key key{text_of(object, "kid"), text_of(object, "alg"), {}, {}};
    const std::string type = text_of(object, "kty");
    if (type == "RSA") key.key = rsa_key(object);
    if (type == "EC") {
      key.curve = text_of(object, "crv");
      for (const Algorithm& algorithm : kAlgorithms) {
        if (!key.curve.empty() && algorithm.curve == key.curve) {
          key.key = curve_key(object, algorithm);
        }
      }
    }
    if (key.key) set.keys_.push_back(std::move(key));
  }
  return set;
}

Result<void> KeySet::verify(const Token& token) const {
  const auto* algorithm =
      std::find_if(std::begin(kAlgorithms), std::end(kAlgorithms),
                   [&](const Algorithm& candidate) { return candidate.name == token.algorithm; });
  if (algorithm == std::end(kAlgorithms)) {
    return fail("unknown-algorithm",
                fmt::format("tokens signed by {} are not accepted", token.algorithm));
  }
  bool tried = false;
  for (const Key& key : keys_) {
    if (key.curve != algorithm->curve) continue;
    if (!key.algorithm.empty() && key.algorithm != token.algorithm) continue;
    if (!token.key_id.empty() && key.id != token.key_id) continue;
    tried = true;
    if (verifies(static_cast<EVP_PKEY*>(key.key.get()), *algorithm, token)) return {};
  }
  if (!tried) return fail("unknown-key", "the issuer has no such key");
  return fail("bad-signature", "the token's signature is not the issuer's");
}

}  // namespace landfall::jwt
