// Lifecycle policies: which images a repository should lose now. Pure.
// https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html
#pragma once

#include <string>
#include <vector>

#include "services/ecr/images.h"

namespace landfall::ecr::lifecycle {

enum class TagStatus { tagged, untagged, any };
enum class CountType { more_than, since_pushed, since_pulled };

struct Rule {
  int priority = 0;
  std::string description;
  TagStatus tag_status = TagStatus::any;
  std::vector<std::string> tag_prefixes;  // an image must have a tag for each of them
  std::vector<std::string> tag_patterns;  // the same, with '*'
  CountType count_type = CountType::more_than;
  std::int64_t count = 0;  // images, or days
};

// Ordered by priority. Error "policy-invalid" says what is wrong.
Result<std::vector<Rule>> parse(std::string_view text);

struct Expiry {
  TaggedImage image;
  int priority = 0;  // of the rule that takes it
};
// Oldest first. An image that an index lists stays as long as the index does.
std::vector<Expiry> plan(const std::vector<Rule>& rules, const std::vector<TaggedImage>& images,
                         TimePoint now);

}  // namespace landfall::ecr::lifecycle
