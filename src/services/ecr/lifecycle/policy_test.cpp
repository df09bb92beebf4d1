#include "services/ecr/lifecycle/policy.h"

#include <gtest/gtest.h>

namespace landfall::ecr::lifecycle {
namespace {

using std::chrono::hours;

const TimePoint kNow = from_unix_ms(1'800'000'000'000);

TaggedImage image(std::string name, int days_ago, std::set<std::string> tags = {}) {
  TaggedImage out;
  out.record.digest = std::move(name);
  out.record.pushed_at = kNow - hours(24 * days_ago);
  out.tags = std::move(tags);
  return out;
}

std::vector<Rule> rules(std::string_view text) {
  auto parsed = parse(text);
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message);
  return parsed.value_or(std::vector<Rule>());
}

std::vector<std::string> expired(std::string_view policy, const std::vector<TaggedImage>& images) {
  std::vector<std::string> out;
  for (const Expiry& expiry : plan(rules(policy), images, kNow))
    out.push_back(expiry.image.record.digest);
  return out;
}

using Names = std::vector<std::string>;

TEST(LifecyclePolicy, KeepsTheNewest) {
  EXPECT_EQ(expired(R"({"rules":[{"rulePriority":1,"action":{"type":"expire"},"selection":
                      {"tagStatus":"any","countType":"imageCountMoreThan","countNumber":2}}]})",
                    {image("a", 4), image("b", 3, {"x"}), image("c", 2), image("d", 1)}),
            (Names{"a", "b"}));
}

TEST(LifecyclePolicy, CountsDays) {
  EXPECT_EQ(
      expired(R"({"rules":[{"rulePriority":1,"action":{"type":"expire"},"selection":
                      {"tagStatus":"untagged","countType":"sinceImagePushed","countUnit":"days",
                       "countNumber":3}}]})",
              {image("old", 4), image("tagged", 4, {"x"}), image("just", 3), image("new", 1)}),
      (Names{"old"}));
}

// The user guide's example A of several rules on one image: the first takes it.
TEST(LifecyclePolicy, AnImageBelongsToTheFirstRuleThatSelectsIt) {
  constexpr std::string_view policy =
      R"({"rules":[
        {"rulePriority":1,"action":{"type":"expire"},"selection":{"tagStatus":"tagged",
          "tagPrefixList":["prod"],"countType":"imageCountMoreThan","countNumber":1}},
        {"rulePriority":2,"action":{"type":"expire"},"selection":{"tagStatus":"any",
          "countType":"imageCountMoreThan","countNumber":1}}]})";
  EXPECT_EQ(expired(policy, {image("p1", 3, {"prod-1"}), image("p2", 2, {"prod-2"}),
                             image("x", 9, {"dev"}), image("y", 1)}),
            (Names{"x", "p1"}));
}

TEST(LifecyclePolicy, EveryPrefixMustBeThere) {
  constexpr std::string_view policy =
      R"({"rules":[{"rulePriority":1,"action":{"type":"expire"},"selection":{"tagStatus":"tagged",
          "tagPrefixList":["alpha","beta"],"countType":"sinceImagePushed","countUnit":"days",
          "countNumber":1}}]})";
  EXPECT_EQ(expired(policy, {image("both", 5, {"alpha1", "beta1"}), image("one", 5, {"alpha1"})}),
            (Names{"both"}));
}

TEST(LifecyclePolicy, WhatAnIndexListsStays) {
  TaggedImage index = image("index", 1, {"v1"});
  index.record.children = {"part"};
  EXPECT_EQ(expired(R"({"rules":[{"rulePriority":1,"action":{"type":"expire"},"selection":
                      {"tagStatus":"untagged","countType":"sinceImagePushed","countUnit":"days",
                       "countNumber":1}}]})",
                    {index, image("part", 9), image("lone", 9)}),
            (Names{"lone"}));
}

TEST(LifecyclePolicy, Nonsense) {
  for (const std::string_view bad :
       {"", "[]", "{}", R"({"rules":[]})", R"({"rules":[1]})", R"({"rules":[{}]})",
        R"({"rules":[{"rulePriority":0,"action":{"type":"expire"},"selection":{"tagStatus":"any",
            "countType":"imageCountMoreThan","countNumber":1}}]})",
        R"({"rules":[{"rulePriority":1,"action":{"type":"expire"},"selection":{"tagStatus":"tagged",
            "countType":"imageCountMoreThan","countNumber":1}}]})",
        R"({"rules":[{"rulePriority":1,"action":{"type":"expire"},"selection":{"tagStatus":"any",
            "countType":"imageCountMoreThan","countNumber":-1}}]})",
        R"({"rules":[{"rulePriority":1,"action":{"type":"expire"},"selection":{"tagStatus":"any",
            "countType":"sinceImagePushed","countNumber":1}}]})",
        R"({"rules":[{"rulePriority":1,"action":{"type":"expire"},"surprise":1,
            "selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":1}}]})"}) {
    const auto refused = parse(bad);
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().code, "policy-invalid");
  }
}

}  // namespace
}  // namespace landfall::ecr::lifecycle
