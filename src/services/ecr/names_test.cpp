#include "services/ecr/names.h"

#include <gtest/gtest.h>

namespace landfall::ecr {
namespace {

TEST(EcrNames, Repositories) {
  for (const char* good : {"ab", "a1", "team/app", "a.b", "a_b", "a__b", "a-b", "a---b", "a/b/c"}) {
    EXPECT_TRUE(is_repository_name(good)) << good;
  }
  for (const char* bad : {"", "a", "A", "-a", "a-", "a..b", "a___b", "a//b", "/a", "a/", "../a",
                          "a b", "a.-b", "\xc3\xa4\xc3\xa4"}) {
    EXPECT_FALSE(is_repository_name(bad)) << bad;
  }
  EXPECT_TRUE(is_repository_name(std::string(256, 'a')));
  EXPECT_FALSE(is_repository_name(std::string(257, 'a')));
  EXPECT_FALSE(is_repository_name(std::string_view("a\0b", 3)));
}

TEST(EcrNames, Tags) {
  for (const char* good : {"latest", "v1.2-3_4", "_x", "A"}) EXPECT_TRUE(is_tag(good)) << good;
  for (const char* bad : {"", ".a", "-a", "a b", "a/b", "a:b"}) EXPECT_FALSE(is_tag(bad)) << bad;
  EXPECT_TRUE(is_tag(std::string(128, 'a')));
  EXPECT_FALSE(is_tag(std::string(129, 'a')));
}

TEST(EcrNames, Hosts) {
  const Scope scope{"123456789012", "us-west-1"};
  EXPECT_EQ(parse_registry_host("123456789012.dkr.ecr.us-west-1.landfall.test:4566"), scope);
  EXPECT_EQ(parse_registry_host("123456789012.dkr.ecr.us-west-1.amazonaws.com"), scope);
  EXPECT_EQ(parse_registry_host(registry_host(scope, "landfall.test")), scope);
  for (const char* bad :
       {"", "docker.io", "12345678901.dkr.ecr.us-west-1.amazonaws.com",
        "12345678901x.dkr.ecr.us-west-1.amazonaws.com", "123456789012.dkr.ecr.us-west-1.evil.test",
        "123456789012.dkr.ecr..amazonaws.com", "123456789012.dkr.ecr.us/west.amazonaws.com",
        "123456789012.dkr.ecr.us-west-1.amazonaws.com.evil.test", "127.0.0.1:4566"}) {
    EXPECT_FALSE(parse_registry_host(bad)) << bad;
  }
}

TEST(EcrNames, References) {
  const std::string digest = "sha256:" + std::string(64, 'a');
  auto found = parse_reference("host:1/team/app:v1");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->registry, "host:1");
  EXPECT_EQ(found->repository, "team/app");
  EXPECT_EQ(found->tag, "v1");
  EXPECT_FALSE(found->digest);
  EXPECT_EQ(parse_reference("host/app")->tag, "latest");
  found = parse_reference("host/app@" + digest);
  EXPECT_EQ(found->tag, "");
  EXPECT_EQ(found->digest->str(), digest);
  found = parse_reference("host/app:v1@" + digest);
  EXPECT_EQ(found->tag, "v1");
  EXPECT_TRUE(found->digest);
  for (const std::string bad : {"", "app", "/app", "host/", "host/APP", "host/app:", "host/app:a b",
                                "host/app@sha256:1", "host/app@", "host/app:v1:v2"}) {
    const auto refused = parse_reference(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().code, "reference-invalid");
  }
}

}  // namespace
}  // namespace landfall::ecr
