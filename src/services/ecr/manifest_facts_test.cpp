#include "services/ecr/manifest_facts.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace landfall::ecr {
namespace {

constexpr std::string_view kOci = "application/vnd.oci.image.manifest.v1+json";

std::string digest(char c) { return "sha256:" + std::string(64, c); }
std::string part(char c) { return fmt::format(R"({{"digest":"{}","size":1}})", digest(c)); }

TEST(ManifestFacts, OfAnImage) {
  const auto facts =
      read_manifest(fmt::format(R"({{"schemaVersion":2,"config":{},"layers":[{},{}]}})", part('a'),
                                part('b'), part('c')),
                    kOci);
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->media_type, kOci);
  ASSERT_EQ(facts->blobs.size(), 3u);
  EXPECT_EQ(facts->blobs[0].str(), digest('a'));
  EXPECT_TRUE(facts->children.empty());
}

TEST(ManifestFacts, OfAnIndex) {
  const auto facts =
      read_manifest(fmt::format(R"({{"schemaVersion":2,"manifests":[{}]}})", part('a')), "");
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->media_type, "application/vnd.oci.image.index.v1+json");
  ASSERT_EQ(facts->children.size(), 1u);
}

TEST(ManifestFacts, ParametersOfTheContentTypeDoNotCount) {
  const std::string text =
      fmt::format(R"({{"schemaVersion":2,"config":{},"layers":[]}})", part('a'));
  EXPECT_EQ(read_manifest(text, fmt::format("{} ; charset=utf-8", kOci))->media_type, kOci);
}

TEST(ManifestFacts, ForeignLayersAreNotAsked) {
  const auto facts = read_manifest(
      fmt::format(
          R"({{"schemaVersion":2,"config":{},"layers":[{{"digest":"{}","urls":["https://x"]}}]}})",
          part('a'), digest('b')),
      kOci);
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->blobs.size(), 1u);
}

TEST(ManifestFacts, DepthIsBounded) {
  const auto refused = read_manifest(std::string(1 << 20, '['), kOci);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "manifest-invalid");
}

}  // namespace
}  // namespace landfall::ecr
