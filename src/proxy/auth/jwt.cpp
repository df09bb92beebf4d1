#include "proxy/auth/jwt.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cmath>

#include "base/bytes.h"
#include "base/check.h"
#include "proxy/auth/text_seal.h"

namespace landfall::proxy {
namespace {

constexpr std::size_t kTokenLimit = 16 << 10;
// RFC 7518, 3.3 wants 2048 bits; beyond the upper bound a verification takes long.
constexpr int kLeastBits = 2048;
constexpr int kMostBits = 8192;
constexpr std::size_t kExponentBytes = 8;
// Clocks differ; only for what claims to be from the future.
constexpr std::int64_t kSkewSeconds = 60;

struct Free {
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(OSSL_PARAM_BLD* builder) const { OSSL_PARAM_BLD_free(builder); }
  void operator()(OSSL_PARAM* parameters) const { OSSL_PARAM_free(parameters); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(ECDSA_SIG* signature) const { ECDSA_SIG_free(signature); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::optional<json::object> object_in(std::string_view part) {
  const auto text = base64url_decode(part);
  // JWS has no padding (RFC 7515, 2).
  if (!text || part.find('=') != std::string_view::npos) return {};
  boost::system::error_code error;
  json::value value = json::parse(*text, error);
  if (error || !value.is_object()) return {};
  return std::move(value.get_object());
}

std::shared_ptr<EVP_PKEY> rsa_key(std::string_view modulus, std::string_view exponent) {
  const auto n = base64url_decode(modulus);
  const auto e = base64url_decode(exponent);
  if (!n || !e || e->empty() || e->size() > kExponentBytes ||
      n->size() > std::size_t{kMostBits} / 8 + 1) {
    return nullptr;
  }
  const Owned<BIGNUM> big_n(BN_bin2bn(bytes_of(*n), static_cast<int>(n->size()), nullptr));
  const Owned<BIGNUM> big_e(BN_bin2bn(bytes_of(*e), static_cast<int>(e->size()), nullptr));
  if (!big_n || !big_e || BN_num_bits(big_n.get()) < kLeastBits ||
      BN_num_bits(big_n.get()) > kMostBits || !BN_is_odd(big_n.get()) || !BN_is_odd(big_e.get()) ||
      BN_is_one(big_e.get())) {
    return nullptr;
  }
  const Owned<OSSL_PARAM_BLD> builder(OSSL_PARAM_BLD_new());
  if (!builder || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, big_n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, big_e.get()) != 1) {
    return nullptr;
  }
  const Owned<OSSL_PARAM> parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  const Owned<EVP_PKEY_CTX> context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* key = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    ERR_clear_error();
    return nullptr;
  }
  return {key, EVP_PKEY_free};
}

std::string text_in(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace

std::optional<Jwt> parse_jwt(std::string_view token) {
  if (token.size() > kTokenLimit) return {};
  const std::size_t first = token.find('.');
  const std::size_t second = first == token.npos ? first : token.find('.', first + 1);
  if (second == token.npos || token.find('.', second + 1) != token.npos) return {};
  auto header = object_in(token.substr(0, first));
  auto payload = object_in(token.substr(first + 1, second - first - 1));
  const std::string_view last = token.substr(second + 1);
  auto signature = base64url_decode(last);
  if (!header || !payload || !signature || last.find('=') != last.npos) return {};
  if (header->contains("crit")) return {};
  return Jwt{std::move(*header), std::move(*payload), token.substr(0, second),
             std::move(*signature)};
}

std::string_view text_of(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(name);
  const json::string* text = found != nullptr ? found->if_string() : nullptr;
  return text != nullptr ? std::string_view(*text) : std::string_view();
}

std::optional<std::int64_t> time_of(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(name);
  if (found == nullptr) return {};
  if (found->is_int64()) return found->get_int64();
  if (!found->is_double()) return {};
  const double value = found->get_double();
  if (!std::isfinite(value) || std::abs(value) > 1e15) return {};
  return static_cast<std::int64_t>(value);
}

bool names(const json::object& object, std::string_view name, std::string_view text) {
  const json::value* found = object.if_contains(name);
  if (found == nullptr) return false;
  if (const json::string* one = found->if_string()) return std::string_view(*one) == text;
  if (!found->is_array()) return false;
  for (const json::value& each : found->get_array()) {
    const json::string* one = each.if_string();
    if (one != nullptr && std::string_view(*one) == text) return true;
  }
  return false;
}

Result<KeySet> KeySet::parse(std::string_view text) {
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  const json::object* object = error ? nullptr : value.if_object();
  const json::value* list = object != nullptr ? object->if_contains("keys") : nullptr;
  if (list == nullptr || !list->is_array()) return fail("jwks-invalid", "not a set of keys");
  if (list->get_array().size() > kMostKeys)
    return fail("jwks-too-many-keys", fmt::format("more than {} keys", kMostKeys));
  KeySet out;
  for (const json::value& each : list->get_array()) {
    const json::object* key = each.if_object();
    if (key == nullptr || text_of(*key, "kty") != "RSA") continue;
    const std::string_view use = text_of(*key, "use");
    const std::string_view algorithm = text_of(*key, "alg");
    if ((!use.empty() && use != "sig") || (!algorithm.empty() && algorithm != "RS256")) continue;
    auto made = rsa_key(text_of(*key, "n"), text_of(*key, "e"));
    if (made) out.keys_.push_back({std::string(text_of(*key, "kid")), std::move(made)});
  }
  return out;
}

bool KeySet::knows(std::string_view id) const {
  if (id.empty()) return !keys_.empty();
  return std::any_of(keys_.begin(), keys_.end(), [&](const Key& key) { return key.id == id; });
}

bool KeySet::verifies(const Jwt& token) const {
  if (text_of(token.header, "alg") != "RS256") return false;
  const std::string_view id = text_of(token.header, "kid");
  for (const Key& key : keys_) {
    if (!id.empty() && key.id != id) continue;
    const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
    CHECK(context != nullptr);
    if (EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.key.get()) == 1 &&
        EVP_DigestVerify(context.get(), bytes_of(token.signature), token.signature.size(),
                         bytes_of(token.signed_part), token.signed_part.size()) == 1) {
      return true;
    }
    ERR_clear_error();
  }
  return false;
}

namespace {

std::string_view problem_of(const json::object& payload, const JwtClaim& claim) {
  const json::value* found = payload.if_contains(claim.name);
  if (found == nullptr) return "JWTClaimNotPresent";
  std::vector<std::string_view> has;
  if (claim.format == ClaimFormat::string_array) {
    if (!found->is_array()) return "JWTClaimFormatInvalid";
    for (const json::value& each : found->get_array()) {
      if (!each.is_string()) return "JWTClaimFormatInvalid";
      has.emplace_back(each.get_string());
    }
  } else if (!found->is_string()) {
    return "JWTClaimFormatInvalid";
  } else if (claim.format == ClaimFormat::single_string) {
    has.emplace_back(found->get_string());
  } else {
    std::string_view rest = found->get_string();
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(' '), rest.size());
      if (end > 0) has.push_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  for (const std::string& wanted : claim.values) {
    if (std::find(has.begin(), has.end(), wanted) == has.end()) return "JWTClaimValueInvalid";
  }
  return {};
}

}  // namespace

// docs: listener-verify-jwt
std::string_view claims_problem(const json::object& payload, const JwtSettings& settings,
                                std::int64_t now) {
  for (const std::string_view name : {"iss", "exp"})
    if (!payload.contains(name)) return "JWTClaimNotPresent";
  if (!payload.at("iss").is_string()) return "JWTClaimFormatInvalid";
  if (text_of(payload, "iss") != settings.issuer) return "JWTClaimValueInvalid";
  const auto expires = time_of(payload, "exp");
  if (!expires) return "JWTClaimFormatInvalid";
  if (*expires <= now) return "JWTClaimValueInvalid";
  for (const std::string_view name : {"nbf", "iat"}) {
    if (!payload.contains(name)) continue;
    const auto since = time_of(payload, name);
    if (!since) return "JWTClaimFormatInvalid";
    if (*since > now + kSkewSeconds) return "JWTClaimValueInvalid";
  }
  for (const JwtClaim& claim : settings.claims) {
    if (const std::string_view problem = problem_of(payload, claim); !problem.empty())
      return problem;
  }
  return {};
}

SigningKey::SigningKey(std::shared_ptr<EVP_PKEY> key) : key_(std::move(key)) {
  const std::string hex = sha256_hex(public_pem());
  id_ = fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                    hex.substr(16, 4), hex.substr(20, 12));
}

Result<SigningKey> SigningKey::from_pem(const std::string& pem) {
  const Owned<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  EVP_PKEY* read = PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr);
  ERR_clear_error();
  std::shared_ptr<EVP_PKEY> key(read, EVP_PKEY_free);
  if (!key || EVP_PKEY_get_base_id(read) != EVP_PKEY_EC || EVP_PKEY_get_bits(read) != 256)
    return fail("key-unreadable", "not a P-256 private key in PEM", 500);
  return SigningKey(std::move(key));
}

SigningKey SigningKey::make() {
  std::shared_ptr<EVP_PKEY> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  CHECK(key != nullptr);
  return SigningKey(std::move(key));
}

std::string SigningKey::private_pem() const {
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  CHECK(PEM_write_bio_PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) ==
        1);
  return text_in(bio.get());
}

std::string SigningKey::public_pem() const {
  const Owned<BIO> bio(BIO_new(BIO_s_mem()));
  CHECK(PEM_write_bio_PUBKEY(bio.get(), key_.get()) == 1);
  return text_in(bio.get());
}

std::string SigningKey::sign(const json::object& header, const json::object& payload) const {
  std::string out = base64url_encode(json::serialize(header), true) + "." +
                    base64url_encode(json::serialize(payload), true);
  const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
  CHECK(context != nullptr);
  unsigned char der[256];
  std::size_t size = sizeof der;
  CHECK(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1);
  CHECK(EVP_DigestSign(context.get(), der, &size, bytes_of(out), out.size()) == 1);
  const unsigned char* at = der;
  const Owned<ECDSA_SIG> signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size)));
  CHECK(signature != nullptr);
  // JWS wants the two numbers side by side (RFC 7518, 3.4).
  std::string raw(64, '\0');
  auto* numbers = reinterpret_cast<unsigned char*>(raw.data());
  CHECK(BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), numbers, 32) == 32);
  CHECK(BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), numbers + 32, 32) == 32);
  return out + "." + base64url_encode(raw, true);
}

}  // namespace landfall::proxy
