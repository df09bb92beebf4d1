// Seals, tokens, sessions and answers of providers, with hostile input.
#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/bytes.h"
#include "proxy/auth/jwt.h"
#include "proxy/auth/login.h"
#include "proxy/auth/oidc_gate.h"

namespace landfall::proxy {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;

// A provider's RSA key.
struct Rsa {
  Rsa() : key(EVP_RSA_gen(2048), EVP_PKEY_free) {}
  std::string number(const char* which) const {
    BIGNUM* value = nullptr;
    EVP_PKEY_get_bn_param(key.get(), which, &value);
    std::string out(static_cast<std::size_t>(BN_num_bytes(value)), '\0');
    BN_bn2bin(value, reinterpret_cast<unsigned char*>(out.data()));
    BN_free(value);
    return base64url_encode(out);
  }
  std::string jwk(const std::string& id) const {
    return fmt::format(R"({{"kty":"RSA","kid":"{}","use":"sig","n":"{}","e":"{}"}})", id,
                       number(OSSL_PKEY_PARAM_RSA_N), number(OSSL_PKEY_PARAM_RSA_E));
  }
  std::string sign(const std::string& header, const std::string& payload) const {
    const std::string text = base64url_encode(header) + "." + base64url_encode(payload);
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, key.get());
    std::string out(512, '\0');
    std::size_t size = out.size();
    EVP_DigestSign(context, reinterpret_cast<unsigned char*>(out.data()), &size,
                   reinterpret_cast<const unsigned char*>(text.data()), text.size());
    EVP_MD_CTX_free(context);
    return text + "." + base64url_encode(out.substr(0, size));
  }
  std::shared_ptr<EVP_PKEY> key;
};

const Rsa& provider() {
  static const Rsa key;
  return key;
}

TEST(TextSeal, OpensOnlyWhatItSealed) {
  const TextSeal seal("key", "session"), other("key", "state"), stranger("other key", "session");
  for (const std::size_t size : {0, 1, 15, 16, 17, 11000}) {
    const std::string text(size, 'x');
    const std::string sealed = seal.seal(text, "here");
    EXPECT_NE(sealed, seal.seal(text, "here")) << "never the same twice";
    EXPECT_EQ(seal.open(sealed, "here"), text);
    EXPECT_FALSE(seal.open(sealed, "there"));
    EXPECT_FALSE(other.open(sealed, "here"));
    EXPECT_FALSE(stranger.open(sealed, "here"));
  }
}

TEST(TextSeal, EveryChangeIsNoticed) {
  const TextSeal seal("key", "session");
  const std::string sealed = seal.seal("who I am", "");
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    for (const char c : {'A', 'B', '_', '=', '+', '\0'}) {
      std::string changed = sealed;
      if (changed[i] == c) continue;
      changed[i] = c;
      EXPECT_FALSE(seal.open(changed, "")) << i << c;
    }
    EXPECT_FALSE(seal.open(sealed.substr(0, i), ""));
  }
  EXPECT_FALSE(seal.open(sealed + "A", ""));
  EXPECT_FALSE(seal.open(sealed + "=", ""));
  EXPECT_FALSE(seal.open(std::string(100'000, 'A'), ""));
}

TEST(Jwt, WhatIsNoTokenIsRefused) {
  const std::string good =
      provider().sign(R"({"alg":"RS256","kid":"a"})", R"({"iss":"me","exp":1})");
  ASSERT_TRUE(parse_jwt(good));
  const auto part = [](std::string_view text) { return base64url_encode(text); };
  const std::string nested(50'000, '[');
  for (const std::string& bad : std::vector<std::string>{
           "",
           ".",
           "..",
           "...",
           "a.b",
           "a.b.c",
           "a.b.c.d",
           good + ".",
           good + ".x",
           "." + good,
           " " + good,
           good + " ",
           good + "=",
           good + "\n",
           part("{}") + "." + part("[]") + ".",
           part("[]") + "." + part("{}") + ".",
           part("null") + "." + part("{}") + ".",
           part("{") + "." + part("{}") + ".",
           part("{}") + "." + part(nested) + ".",
           part("{}") + "." + part("{}") + ".!",
           part(R"({"alg":"RS256","crit":["exp"],"exp":1})") + "." + part("{}") + ".",
           part("{}") + "=." + part("{}") + ".",
           part("{}") + "." + part("{}\xff") + ".",
           base64_encode("{\"a\":\"\xff\xfe\"}") + "." + part("{}") + ".",
           std::string(20'000, 'a') + "." + part("{}") + "."}) {
    EXPECT_FALSE(parse_jwt(bad)) << bad.substr(0, 80);
  }
}

TEST(Jwt, OnlySignaturesOfTheProviderCount) {
  const auto keys = KeySet::parse(fmt::format(R"({{"keys":[{}]}})", provider().jwk("a")));
  ASSERT_TRUE(keys);
  ASSERT_EQ(keys->size(), 1u);
  const std::string payload = R"({"iss":"me"})";
  const auto verifies = [&](const std::string& token) {
    const auto read = parse_jwt(token);
    return read && keys->verifies(*read);
  };
  const std::string good = provider().sign(R"({"alg":"RS256","kid":"a"})", payload);
  EXPECT_TRUE(verifies(good));
  EXPECT_TRUE(verifies(provider().sign(R"({"alg":"RS256"})", payload)));
  EXPECT_FALSE(verifies(provider().sign(R"({"alg":"RS256","kid":"b"})", payload)));
  EXPECT_FALSE(verifies(provider().sign(R"({"alg":"RS384","kid":"a"})", payload)));
  EXPECT_FALSE(verifies(provider().sign(R"({"alg":"none","kid":"a"})", payload)));
  EXPECT_FALSE(verifies(provider().sign(R"({"kid":"a"})", payload)));
  EXPECT_FALSE(verifies(provider().sign(R"({"alg":["RS256"],"kid":"a"})", payload)));
  EXPECT_FALSE(verifies(Rsa().sign(R"({"alg":"RS256","kid":"a"})", payload)));
  // The public key as an HMAC secret, the signature of another text, and none at all.
  const std::string head =
      base64url_encode(R"({"alg":"HS256","kid":"a"})") + "." + base64url_encode(payload);
  EXPECT_FALSE(verifies(head + "." + base64url_encode(hmac_sha256(provider().jwk("a"), head))));
  const std::string signature = good.substr(good.rfind('.'));
  EXPECT_FALSE(verifies(base64url_encode(R"({"alg":"RS256","kid":"a"})") + "." +
                        base64url_encode(R"({"iss":"you"})") + signature));
  EXPECT_FALSE(verifies(good.substr(0, good.rfind('.') + 1)));
}

TEST(KeySet, LimitsAndStrangeKeys) {
  const std::string good = provider().jwk("a");
  const auto size = [](const std::string& text) {
    const auto keys = KeySet::parse(text);
    return keys ? static_cast<int>(keys->size()) : -1;
  };
  for (const char* bad : {"", "[]", "{}", "null", R"({"keys":{}})", R"({"keys":[)"})
    EXPECT_EQ(size(bad), -1) << bad;
  std::string many;
  for (int i = 0; i < 10; ++i) many += (i ? "," : "") + provider().jwk(std::to_string(i));
  EXPECT_EQ(size(R"({"keys":[)" + many + "]}"), 10);
  EXPECT_EQ(size(R"({"keys":[)" + many + "," + good + "]}"), -1);
  const std::string n = provider().number(OSSL_PKEY_PARAM_RSA_N);
  for (const std::string& skipped : std::vector<std::string>{
           "1", "null", "[]", "{}", R"({"kty":"EC"})", R"({"kty":"oct","k":"AAAA"})",
           R"({"kty":"RSA"})", R"({"kty":"RSA","n":1,"e":2})",
           R"({"kty":"RSA","n":"!","e":"AQAB"})",
           R"({"kty":"RSA","n":"AQAB","e":"AQAB"})",  // far too short
           R"({"kty":"RSA","e":"AQAB","n":")" + std::string(20'000, '_') + "\"}",
           R"({"kty":"RSA","e":"AQ","n":")" + n + "\"}",  // exponent 1
           R"({"kty":"RSA","e":"Ag","n":")" + n + "\"}",  // an even one
           R"({"kty":"RSA","e":")" + n + R"(","n":")" + n + "\"}",
           R"({"kty":"RSA","use":"enc","e":"AQAB","n":")" + n + "\"}",
           R"({"kty":"RSA","alg":"RS512","e":"AQAB","n":")" + n + "\"}"}) {
    EXPECT_EQ(size(R"({"keys":[)" + skipped + "," + good + "]}"), 1) << skipped.substr(0, 60);
  }
}

std::string problem(const std::string& payload, std::vector<JwtClaim> claims = {}) {
  const JwtSettings settings{.jwks_endpoint = "", .issuer = "me", .claims = std::move(claims)};
  return std::string(claims_problem(json::parse(payload).as_object(), settings, kNow));
}

TEST(Claims, IssuerAndTimes) {
  EXPECT_EQ(problem(R"({"iss":"me","exp":1800000001})"), "");
  EXPECT_EQ(problem(R"({"iss":"me","exp":1800000001.5,"nbf":1,"iat":2})"), "");
  EXPECT_EQ(problem(R"({"iss":"me"})"), "JWTClaimNotPresent");
  EXPECT_EQ(problem(R"({"exp":1800000001})"), "JWTClaimNotPresent");
  EXPECT_EQ(problem(R"({"iss":"you","exp":1800000001})"), "JWTClaimValueInvalid");
  EXPECT_EQ(problem(R"({"iss":["me"],"exp":1800000001})"), "JWTClaimFormatInvalid");
  for (const char* time : {"1800000000", "0", "-1", "-1e3"})
    EXPECT_EQ(problem(fmt::format(R"({{"iss":"me","exp":{}}})", time)), "JWTClaimValueInvalid");
  for (const char* time :
       {"\"1800000001\"", "null", "true", "[]", "{}", "1e300", "-1e300", "18446744073709551615"}) {
    EXPECT_EQ(problem(fmt::format(R"({{"iss":"me","exp":{}}})", time)), "JWTClaimFormatInvalid")
        << time;
  }
  EXPECT_EQ(problem(R"({"iss":"me","exp":1800009999,"nbf":1800009990})"), "JWTClaimValueInvalid");
  EXPECT_EQ(problem(R"({"iss":"me","exp":1800009999,"iat":1800009990})"), "JWTClaimValueInvalid");
  EXPECT_EQ(problem(R"({"iss":"me","exp":1800009999,"iat":"now"})"), "JWTClaimFormatInvalid");
}

TEST(Claims, TheThreeFormats) {
  using enum ClaimFormat;
  const auto with = [](const std::string& claim, ClaimFormat format,
                       std::vector<std::string> values) {
    return problem(R"({"iss":"me","exp":1800000001,"x":)" + claim + "}",
                   {{"x", format, std::move(values)}});
  };
  EXPECT_EQ(with("\"a\"", single_string, {"a"}), "");
  EXPECT_EQ(with("\"a b\"", single_string, {"a"}), "JWTClaimValueInvalid");
  EXPECT_EQ(with("[\"a\"]", single_string, {"a"}), "JWTClaimFormatInvalid");
  EXPECT_EQ(with("\"read  write all \"", space_separated_values, {"write", "read"}), "");
  EXPECT_EQ(with("\"readwrite\"", space_separated_values, {"read"}), "JWTClaimValueInvalid");
  EXPECT_EQ(with("\"\"", space_separated_values, {"read"}), "JWTClaimValueInvalid");
  EXPECT_EQ(with("[\"a\",\"b\"]", string_array, {"b", "a"}), "");
  EXPECT_EQ(with("[\"a\"]", string_array, {"b", "a"}), "JWTClaimValueInvalid");
  EXPECT_EQ(with("[\"a\",1]", string_array, {"a"}), "JWTClaimFormatInvalid");
  EXPECT_EQ(with("\"a\"", string_array, {"a"}), "JWTClaimFormatInvalid");
  EXPECT_EQ(with("null", string_array, {"a"}), "JWTClaimFormatInvalid");
  EXPECT_EQ(problem(R"({"iss":"me","exp":1800000001})", {{"x", single_string, {"a"}}}),
            "JWTClaimNotPresent");
}

TEST(SigningKey, ItsTokensAreAwsOnes) {
  const SigningKey key = SigningKey::make();
  const auto again = SigningKey::from_pem(key.private_pem());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->id(), key.id());
  EXPECT_EQ(again->public_pem(), key.public_pem());
  EXPECT_EQ(key.id().size(), 36u);
  for (const char* bad : {"", "x", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"})
    EXPECT_FALSE(SigningKey::from_pem(bad));
  EXPECT_FALSE(SigningKey::from_pem(key.public_pem()));
  const std::string token = key.sign({{"alg", "ES256"}}, {{"sub", "x"}});
  // With padding, 64 bytes of signature.
  EXPECT_EQ(token.substr(token.rfind('.') + 1).size(), 88u);
  EXPECT_TRUE(token.ends_with("=="));
}

http1::RequestHead head_with(std::string_view cookie) {
  http1::RequestHead out;
  out.fields.push_back({.name = "Cookie", .value = cookie, .known = http1::Name::cookie});
  return out;
}

TEST(SessionCookie, ShardsComeTogetherAgain) {
  for (const std::size_t size : {1, 3840, 3841, 15'000}) {
    std::string sealed(size, 'x');
    sealed.back() = 'y';
    const std::string lines = session_cookie_lines({}, "Name", sealed, kNow);
    std::string cookie;
    std::size_t count = 0;
    for (std::size_t at = 0; (at = lines.find("Set-Cookie: ", at)) != lines.npos;) {
      at += 12;
      const std::string line = lines.substr(at, lines.find("\r\n", at) - at);
      EXPECT_LE(line.size(), 4096u);
      EXPECT_TRUE(line.ends_with("; Path=/; Secure; HttpOnly")) << line;
      cookie += (cookie.empty() ? "" : "; ") + line.substr(0, line.find(';'));
      ++count;
    }
    EXPECT_EQ(count, (size + 3839) / 3840);
    EXPECT_EQ(session_cookie(head_with(cookie), "Name"), sealed);
  }
  EXPECT_FALSE(session_cookie(head_with("Name=x; Name-1=y"), "Name"));
  EXPECT_EQ(session_cookie(head_with("Name-0=a; Name-2=c; Name-1=b"), "Name"), "abc");
  EXPECT_EQ(session_cookie(head_with("Name-0=a; Name-2=c"), "Name"), "a");
  // What an earlier, longer session left behind goes.
  const std::string lines =
      session_cookie_lines(head_with("Name-0=a; Name-1=b; Name-2=c"), "Name", "short", kNow);
  EXPECT_NE(lines.find("Name-0=short; "), lines.npos);
  EXPECT_NE(lines.find("Name-1=; Expires=Thu, 01 Jan 1970"), lines.npos);
  EXPECT_NE(lines.find("Name-2=; "), lines.npos);
  EXPECT_EQ(lines.find("Name-3"), lines.npos);
}

TEST(IdentityFields, ClientsCannotSetThem) {
  http1::RequestHead head;
  for (const char* name :
       {"x-amzn-oidc-data", "X-Amzn-Oidc-Identity", "x_amzn_oidc_data", "X-AMZN_oidc-Accesstoken",
        "x-amzn-oidc-", "x-amzn-oidc", "x-amzn-trace"})
    head.fields.push_back({.name = name});
  drop_identity_fields(head);
  std::string dropped;
  for (const auto& field : head.fields) dropped += field.dropped ? '1' : '0';
  EXPECT_EQ(dropped, "1111100");
}

OidcSettings settings() {
  OidcSettings out;
  out.issuer = "https://idp";
  out.authorization_endpoint = "https://idp/authorize";
  out.client_id = "client & co";
  out.extra_parameters = {{"prompt", "login now"}};
  return out;
}

TEST(Login, TheBrowserIsSentWithEverything) {
  const std::string url =
      authorization_url(settings(), "https://a:8443/oauth2/idpresponse", "S", "N");
  EXPECT_TRUE(url.starts_with("https://idp/authorize?client_id=client%20%26%20co&"));
  EXPECT_NE(url.find("&redirect_uri=https%3A%2F%2Fa%3A8443%2Foauth2%2Fidpresponse&"), url.npos);
  EXPECT_NE(url.find("&response_type=code&scope=openid&state=S&nonce="), url.npos);
  EXPECT_NE(url.find("&prompt=login%20now"), url.npos);
  EXPECT_EQ(url.find("nonce=N"), url.npos) << "the cookie's value stays with the browser";
  OidcSettings with_query = settings();
  with_query.authorization_endpoint += "?tenant=1";
  EXPECT_TRUE(authorization_url(with_query, "r", "s", "n")
                  .starts_with("https://idp/authorize?tenant=1&client_id="));
}

json::object id_claims() {
  return {{"iss", "https://idp"},
          {"aud", "client & co"},
          {"sub", "alice"},
          {"exp", kNow + 60},
          {"nonce", nonce_parameter("N")}};
}

LoginResult tokens(json::object claims, json::object more = {}, int status = 200) {
  json::object body = {{"access_token", "at"},
                       {"token_type", "Bearer"},
                       {"expires_in", 300},
                       {"refresh_token", "rt"}};
  body["id_token"] = provider().sign(R"({"alg":"RS256"})", json::serialize(claims));
  for (const auto& [name, value] : more) {
    if (value.is_null()) {
      body.erase(name);
    } else {
      body[name] = value;
    }
  }
  http::Response answer{.status = status, .body = json::serialize(body)};
  return read_tokens(settings(), answer, "N", kNow, {});
}

TEST(Login, AGoodAnswer) {
  const LoginResult good = tokens(id_claims());
  ASSERT_EQ(good.kind, LoginResult::Kind::success) << good.reason;
  EXPECT_EQ(good.session.access_token, "at");
  EXPECT_EQ(good.session.refresh_token, "rt");
  EXPECT_EQ(good.session.subject, "alice");
  EXPECT_EQ(good.session.token_ends_seconds, kNow + 300);
  json::object claims = id_claims();
  claims["aud"] = json::array{"other", "client & co"};
  EXPECT_EQ(tokens(claims).reason, "");
  EXPECT_EQ(tokens(id_claims(), {{"expires_in", nullptr}}).session.token_ends_seconds, 0);
}

TEST(Login, IdTokensOfOthersAreRefused) {
  const auto with = [](const char* name, json::value value) {
    json::object claims = id_claims();
    claims[name] = std::move(value);
    const LoginResult result = tokens(claims);
    return std::string(result.reason) + " " + std::to_string(result.status);
  };
  const std::string refused = "AuthInvalidIdToken 401";
  EXPECT_EQ(with("iss", "https://evil"), refused);
  EXPECT_EQ(with("aud", "somebody"), refused);
  EXPECT_EQ(with("aud", json::array{}), refused);
  EXPECT_EQ(with("aud", json::array{1, "somebody"}), refused);
  EXPECT_EQ(with("azp", "somebody"), refused);
  EXPECT_EQ(with("nonce", "N"), refused);
  EXPECT_EQ(with("nonce", ""), refused);
  EXPECT_EQ(with("nonce", nullptr), refused);
  EXPECT_EQ(with("exp", kNow - 61), refused);
  EXPECT_EQ(with("exp", "never"), refused);
  EXPECT_EQ(with("sub", ""), refused);
  EXPECT_EQ(with("sub", 7), refused);
  EXPECT_EQ(tokens(id_claims(), {{"id_token", nullptr}}).reason, "AuthInvalidIdToken");
  EXPECT_EQ(tokens(id_claims(), {{"id_token", "a.b.c"}}).reason, "AuthInvalidIdToken");
}

TEST(Login, AnswersThatAreNone) {
  EXPECT_EQ(tokens({}, {{"error", "invalid_grant"}}, 400).reason, "AuthInvalidGrantError");
  EXPECT_EQ(tokens({}, {{"error", "invalid_grant"}}, 400).status, 561);
  EXPECT_EQ(tokens({}, {{"error", "invalid_client"}}, 401).reason, "AuthTokenEpRequestFailed");
  EXPECT_EQ(tokens(id_claims(), {}, 302).reason, "AuthTokenEpRequestFailed");
  EXPECT_EQ(tokens(id_claims(), {{"access_token", nullptr}}).reason, "AuthInvalidTokenResponse");
  EXPECT_EQ(tokens(id_claims(), {{"access_token", 1}}).reason, "AuthInvalidTokenResponse");
  EXPECT_EQ(tokens(id_claims(), {{"access_token", "a\r\nX: y"}}).reason,
            "AuthInvalidTokenResponse");
  EXPECT_EQ(tokens(id_claims(), {{"token_type", "mac"}}).reason, "AuthInvalidTokenResponse");
  for (const char* body : {"", "x", "[]", "null", "{\"access_token\":"}) {
    http::Response answer{.body = body};
    EXPECT_EQ(read_tokens(settings(), answer, "N", kNow, {}).reason, "AuthInvalidTokenResponse");
  }
}

TEST(Login, ARenewalKeepsWhatItIsNotGiven) {
  const Session old{.access_token = "1",
                    .refresh_token = "keep",
                    .subject = "alice",
                    .claims = "{}",
                    .begun_seconds = 5};
  http::Response answer{.body = R"({"access_token":"2","token_type":"bearer","expires_in":60})"};
  const LoginResult renewed = read_tokens(settings(), answer, "", kNow, old);
  EXPECT_EQ(renewed.reason, "");
  EXPECT_EQ(renewed.session.access_token, "2");
  EXPECT_EQ(renewed.session.refresh_token, "keep");
  EXPECT_EQ(renewed.session.begun_seconds, 5);
}

TEST(Login, ClaimsBelongToTheUserAndHaveALimit) {
  const Session session{.access_token = "at", .subject = "alice"};
  const auto reason = [&](std::string body, int status = 200) {
    return std::string(read_claims({.status = status, .body = std::move(body)}, session).reason);
  };
  EXPECT_EQ(reason(R"({"sub":"alice","email":"a@b"})"), "");
  EXPECT_EQ(reason(R"({"sub":"bob"})"), "AuthInvalidUserinfoResponse");
  EXPECT_EQ(reason(R"({"email":"a@b"})"), "AuthInvalidUserinfoResponse");
  EXPECT_EQ(reason("e30.e30."), "AuthInvalidUserinfoResponse");
  EXPECT_EQ(reason("[]"), "AuthInvalidUserinfoResponse");
  EXPECT_EQ(reason("{}", 403), "AuthUserinfoEpRequestFailed");
  EXPECT_EQ(reason(R"({"sub":"alice","x":")" + std::string(11'300, 'x') + "\"}"),
            "AuthUserinfoResponseSizeExceeded");
}

TEST(Renewals, OneForEachToken) {
  Renewals renewals;
  int told = 0;
  const auto done = [&](const LoginResult& result) { told += result.status == 7; };
  LoginResult known;
  using Turn = Renewals::Turn;
  EXPECT_EQ(renewals.enter("a", kNow, done, known), Turn::first);
  EXPECT_EQ(renewals.enter("a", kNow, done, known), Turn::waits);
  EXPECT_EQ(renewals.enter("b", kNow, done, known), Turn::first);
  renewals.finish("a", kNow, {.status = 7});
  EXPECT_EQ(told, 2);
  EXPECT_EQ(renewals.enter("a", kNow + 30, done, known), Turn::known);
  EXPECT_EQ(known.status, 7);
  EXPECT_EQ(renewals.enter("a", kNow + 31, done, known), Turn::first);
  // Who comes after a failure tries again.
  renewals.finish("b", kNow, {.kind = LoginResult::Kind::failure, .status = 7});
  EXPECT_EQ(told, 3);
  EXPECT_EQ(renewals.enter("b", kNow, done, known), Turn::first);
  renewals.finish("nobody's", kNow, {});
}

}  // namespace
}  // namespace landfall::proxy
