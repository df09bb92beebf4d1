// Tags of every kind of resource.
#pragma once

#include "services/ec2/kinds.h"
#include "services/ec2/records.h"
#include "wire/ec2/types.h"

namespace landfall::ec2 {

inline constexpr std::size_t kMostTags = 50;

wire::List<Tag> describe_tags(const Tags& tags);
// The tags a Create call asks for. Errors: InvalidParameterValue, TagLimitExceeded.
Result<Tags> read_tags(const wire::List<TagSpecification>& specifications, const Kind& kind);
Result<void> add_tags(Tags& tags, const wire::List<Tag>& more);

// Where a resource's tags are kept: `change` edits them, and the write goes into `transaction`.
// Error: the kind's not found.
Result<void> change_tags(const Tables& tables, const std::string& id,
                         const std::function<Result<void>(Tags&)>& change,
                         store::Transaction& transaction);

// Every tag of the scope, for DescribeTags.
struct TaggedResource {
  std::string id;
  std::string resource_type;
  Tags tags;
};
std::vector<TaggedResource> tagged_resources(const Tables& tables);

}  // namespace landfall::ec2
