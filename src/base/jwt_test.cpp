#include "base/jwt.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <boost/json.hpp>

namespace landfall::jwt {
namespace {

struct Issuer {
  explicit Issuer(EVP_PKEY* made, std::string the_algorithm)
      : key(made, EVP_PKEY_free), algorithm(std::move(the_algorithm)) {}

  std::string number(const char* name, std::size_t bytes) const {
    BIGNUM* value = nullptr;
    EXPECT_EQ(EVP_PKEY_get_bn_param(key.get(), name, &value), 1);
    std::string out(bytes == 0 ? static_cast<std::size_t>(BN_num_bytes(value)) : bytes, '\0');
    BN_bn2binpad(value, reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(out.size()));
    BN_free(value);
    return base64url_encode(out);
  }
  std::string jwk(std::string_view more = "") const {
    if (algorithm.starts_with("RS")) {
      return fmt::format(R"({{"kty":"RSA","kid":"k","n":"{}","e":"{}"{}}})",
                         number(OSSL_PKEY_PARAM_RSA_N, 0), number(OSSL_PKEY_PARAM_RSA_E, 0), more);
    }
    return fmt::format(R"({{"kty":"EC","kid":"k","crv":"P-256","x":"{}","y":"{}"{}}})",
                       number(OSSL_PKEY_PARAM_EC_PUB_X, 32), number(OSSL_PKEY_PARAM_EC_PUB_Y, 32),
                       more);
  }
  std::string sign(std::string_view header, std::string_view claims) const {
    const std::string text = base64url_encode(header) + "." + base64url_encode(claims);
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, key.get());
    std::size_t size = 0;
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    EVP_DigestSign(context, nullptr, &size, bytes, text.size());
    std::string signature(size, '\0');
    EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &size, bytes,
                   text.size());
    signature.resize(size);
    EVP_MD_CTX_free(context);
    if (algorithm.starts_with("ES")) {
      const auto* at = reinterpret_cast<const unsigned char*>(signature.data());
      ECDSA_SIG* pair = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size));
      std::string raw(64, '\0');
      BN_bn2binpad(ECDSA_SIG_get0_r(pair), reinterpret_cast<unsigned char*>(raw.data()), 32);
      BN_bn2binpad(ECDSA_SIG_get0_s(pair), reinterpret_cast<unsigned char*>(raw.data()) + 32, 32);
      ECDSA_SIG_free(pair);
      signature = raw;
    }
    return text + "." + base64url_encode(signature);
  }
  std::string token(std::string_view claims = R"({"sub":"me"})") const {
    return sign(fmt::format(R"({{"alg":"{}","kid":"k"}})", algorithm), claims);
  }

  std::shared_ptr<EVP_PKEY> key;
  std::string algorithm;
};

const Issuer& rsa() {
  static const Issuer made(EVP_RSA_gen(2048), "RS256");
  return made;
}
const Issuer& curve() {
  static const Issuer made(EVP_EC_gen("P-256"), "ES256");
  return made;
}

std::string verdict(std::string_view keys, std::string_view token) {
  auto set = KeySet::parse(fmt::format(R"({{"keys":[{}]}})", keys));
  if (!set) return set.error().code;
  auto parsed = parse(token);
  if (!parsed) return parsed.error().code;
  auto verified = set->verify(*parsed);
  return verified ? "ok" : verified.error().code;
}

TEST(Jwt, BelievesTheIssuersKeysOnly) {
  for (const Issuer* issuer : {&rsa(), &curve()}) {
    const std::string good = issuer->token();
    EXPECT_EQ(verdict(issuer->jwk(), good), "ok") << issuer->algorithm;
    EXPECT_EQ(verdict(issuer->jwk(R"(,"use":"sig")"), good), "ok");
    EXPECT_EQ(verdict(issuer->jwk(R"(,"use":"enc")"), good), "unknown-key");
    EXPECT_EQ(verdict(issuer->jwk(R"(,"alg":"RS512")"), good), "unknown-key");
    EXPECT_EQ(verdict("", good), "unknown-key");
    // Another payload under the same signature.
    std::string other = good;
    const std::size_t dot = other.find('.');
    other.replace(dot + 1, other.rfind('.') - dot - 1, base64url_encode(R"({"sub":"you"})"));
    EXPECT_EQ(verdict(issuer->jwk(), other), "bad-signature");
    EXPECT_EQ(verdict(issuer->jwk(), good.substr(0, good.rfind('.') + 1)), "bad-signature");
    const Issuer stranger(issuer == &rsa() ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"),
                          issuer->algorithm);
    EXPECT_EQ(verdict(stranger.jwk(), good), "bad-signature");
    EXPECT_EQ(verdict(stranger.jwk() + "," + issuer->jwk(), good), "ok");
    const std::string anonymous =
        issuer->sign(fmt::format(R"({{"alg":"{}"}})", issuer->algorithm), "{}");
    EXPECT_EQ(verdict(stranger.jwk() + "," + issuer->jwk(), anonymous), "ok");
  }
}

TEST(Jwt, TheTokenDoesNotChooseWhatIsBelieved) {
  const std::string keys = rsa().jwk() + "," + curve().jwk();
  for (const std::string_view header :
       {R"({"alg":"none"})", R"({"alg":"HS256","kid":"k"})", R"({"alg":"rs256"})",
        R"({"alg":"PS256"})", R"({"alg":"RS256\u0000"})"}) {
    EXPECT_EQ(verdict(keys, rsa().sign(header, "{}")), "unknown-algorithm") << header;
  }
  EXPECT_EQ(verdict(keys, rsa().sign(R"({"alg":"RS384"})", "{}")), "bad-signature");
  // An RSA signature is not taken for a curve's.
  EXPECT_EQ(verdict(curve().jwk(), rsa().sign(R"({"alg":"ES256"})", "{}")), "bad-signature");
}

TEST(Jwt, RefusesWhatIsNoToken) {
  const std::string e = base64url_encode("{}");
  const std::string h = base64url_encode(R"({"alg":"RS256"})");
  const std::string deep = base64url_encode(std::string(10'000, '['));
  for (const std::string& text :
       {std::string(), std::string("a"), std::string("."), std::string(".."), h + "." + e,
        h + "." + e + ".x.y", h + "." + e + ".=", "*." + e + ".", e + "." + e + ".",
        h + "." + base64url_encode("[]") + ".", h + "." + base64url_encode("{\"a\":") + ".",
        h + "." + deep + ".", base64url_encode(R"({"alg":7})") + "." + e + ".",
        base64url_encode(R"({"alg":"RS256","crit":["x"]})") + "." + e + ".",
        h + "." + e + "." + std::string(kMostTokenBytes, 'a')}) {
    auto token = parse(text);
    ASSERT_FALSE(token) << text.substr(0, 80);
    EXPECT_EQ(token.error().code, "invalid-token");
  }
}

TEST(Jwt, LeavesOutKeysThatCannotSign) {
  const Issuer small(EVP_RSA_gen(1024), "RS256");
  const std::string zeros = base64url_encode(std::string(32, '\0'));
  for (const std::string& key :
       {small.jwk(), std::string("{}"), std::string(R"({"kty":"oct","k":"AAAA"})"),
        std::string(R"({"kty":"RSA","n":"AQ","e":"AQAB"})"),
        std::string(R"({"kty":"RSA","n":5,"e":[]})"),
        fmt::format(R"({{"kty":"RSA","n":"{}","e":"AQAB"}})", std::string(4000, 'A')),
        fmt::format(R"({{"kty":"EC","crv":"P-256","x":"{0}","y":"{0}"}})", zeros),
        fmt::format(R"({{"kty":"EC","crv":"P-224","x":"{0}","y":"{0}"}})", zeros),
        fmt::format(R"({{"kty":"EC","x":"{0}","y":"{0}"}})", zeros)}) {
    auto set = KeySet::parse(fmt::format(R"({{"keys":[{}]}})", key));
    ASSERT_TRUE(set) << key;
    EXPECT_EQ(set->size(), 0U) << key;
  }
  for (const std::string_view text :
       {"", "[]", "{}", R"({"keys":{}})", R"({"keys":[1]})", "{\"keys\""}) {
    EXPECT_EQ(KeySet::parse(text).error().code, "invalid-keys") << text;
  }
}

TEST(Jwt, HasItsTime) {
  const TimePoint now = from_unix_ms(1'800'000'000'000);
  const auto check = [&](std::string_view claims) -> std::string {
    auto token = parse(rsa().token(claims));
    auto checked = check_times(*token, now, std::chrono::seconds(5));
    return checked ? "ok" : checked.error().code;
  };
  EXPECT_EQ(check(R"({"exp":1800000001})"), "ok");
  EXPECT_EQ(check(R"({"exp":1799999996.5})"), "ok");
  EXPECT_EQ(check(R"({"exp":1799999995})"), "expired-token");
  EXPECT_EQ(check(R"({"exp":-1})"), "expired-token");
  EXPECT_EQ(check(R"({"exp":1800000100,"nbf":1800000004,"iat":1800000004})"), "ok");
  for (const std::string_view claims :
       {R"({})", R"({"exp":"1800000100"})", R"({"exp":null})", R"({"exp":1e300})",
        R"({"exp":1800000100,"nbf":1800000006})", R"({"exp":1800000100,"iat":1800000006})"}) {
    EXPECT_EQ(check(claims), "invalid-token") << claims;
  }
}

TEST(Jwt, GivesClaims) {
  auto token = parse(rsa().token(R"({"sub":"me","n":5,"aud":["a",7,"b"]})"));
  EXPECT_EQ(token->claim("sub"), "me");
  EXPECT_EQ(token->claim("n"), "");
  EXPECT_EQ(token->audiences(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(parse(rsa().token(R"({"aud":"a"})"))->audiences(), std::vector<std::string>{"a"});
}

}  // namespace
}  // namespace landfall::jwt
