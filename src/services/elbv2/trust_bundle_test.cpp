#include "services/elbv2/trust_bundle.h"

#include <gtest/gtest.h>

#include "proxy/engine/testing_authority.h"
#include "services/elbv2/attributes.h"

namespace landfall::elbv2 {
namespace {

using proxy::testing::Authority;

std::string code_of(std::string_view pem) {
  const auto result = check_authorities(pem);
  return result ? std::to_string(*result) : result.error().code;
}

// docs: mutual-authentication, "CA certificate files"
TEST(TrustBundle, TheFormThatAwsTakes) {
  const std::string one = Authority("one").pem(), two = Authority("two").pem();
  EXPECT_EQ(code_of(one), "1");
  EXPECT_EQ(code_of("# comments\n" + one + "# more\n" + two), "2");
  std::string windows;
  for (const char c : one) windows += c == '\n' ? std::string("\r\n") : std::string(1, c);
  EXPECT_EQ(code_of(windows), "1");
  const std::string bad = "InvalidCaCertificatesBundle";
  EXPECT_EQ(code_of(""), bad);
  EXPECT_EQ(code_of("# nothing\n"), bad);
  EXPECT_EQ(code_of("\n" + one), bad);
  EXPECT_EQ(code_of(one + "\n" + two), bad);
  EXPECT_EQ(code_of("# a-b\n" + one), bad);
  EXPECT_EQ(code_of("Certificate:\n    Data:\n" + one), bad);
  EXPECT_EQ(code_of(one.substr(0, one.size() - 10)), bad);
  EXPECT_EQ(code_of(one + one.substr(0, 100)), bad);
  EXPECT_EQ(code_of("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), bad);
  EXPECT_EQ(code_of("-----END CERTIFICATE-----\n"), bad);
  EXPECT_EQ(code_of(Authority("key").key_pem()), bad);
  EXPECT_EQ(code_of(std::string(1000, '\0')), bad);
}

TEST(TrustBundle, OnlyAuthoritiesWithKeysThatAreStrong) {
  const Authority root("root");
  const std::string bad = "InvalidCaCertificatesBundle";
  EXPECT_EQ(code_of(root.issue({.name = "client"}).chain_pem), bad);
  EXPECT_EQ(code_of(Authority({.name = "sub", .authority = true}, root).pem()), "1");
  EXPECT_EQ(code_of(Authority({.name = "rsa", .authority = true, .rsa_bits = 2048}, root).pem()),
            "1");
  EXPECT_EQ(code_of(Authority({.name = "weak", .authority = true, .rsa_bits = 1024}, root).pem()),
            bad);
  EXPECT_EQ(
      code_of(Authority({.name = "old", .authority = true, .digest = EVP_sha1()}, root).pem()),
      bad);
  std::string many;
  for (int i = 0; i < 26; ++i) many += root.pem();
  EXPECT_EQ(code_of(many), bad);
}

TEST(TrustBundle, Revocations) {
  const Authority root("root");
  EXPECT_EQ(check_revocations(root.revoke({1, 2, 3})).value_or(-1), 3);
  EXPECT_EQ(check_revocations(root.revoke({})).value_or(-1), 0);
  EXPECT_EQ(check_revocations(root.revoke({1}) + root.revoke({2, 3})).value_or(-1), 3);
  for (const std::string& text : {std::string(), std::string("rubbish"), root.pem()}) {
    const auto result = check_revocations(text);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, "InvalidRevocationContent");
  }
}

TEST(FileKeys, StayBelowTheirBucket) {
  for (const char* good : {"a", "a/b.pem", "ca/2026/bundle_1.pem", "..a", "a..b"})
    EXPECT_TRUE(is_file_key(good)) << good;
  for (const char* bad : {"", "/a", "a/", "a//b", "..", "../a", "a/../b", "a/.", "a b", "a\\b"})
    EXPECT_FALSE(is_file_key(bad)) << bad;
  EXPECT_FALSE(is_file_key(std::string_view("a\0b", 3)));
  EXPECT_FALSE(is_file_key(std::string(1025, 'a')));
}

}  // namespace
}  // namespace landfall::elbv2
