// Managed prefix lists: blocks under a name, for security group rules and routes. The customer's
// are records; those of AWS ("com.amazonaws.REGION.s3") name where the service answers inside a
// VPC.
#pragma once

#include "services/ec2/records.h"

namespace landfall::ec2 {

inline constexpr std::size_t kMostListEntries = 1000;

// AWS's own, of every region. They have no account and cannot be changed.
std::vector<PrefixListRecord> amazon_prefix_lists(std::string_view region);
bool is_amazons(const PrefixListRecord& list);

std::optional<PrefixListRecord> find_prefix_list(const Tables& tables, std::string_view id);
// The customer's and AWS's, by id.
std::vector<PrefixListRecord> all_prefix_lists(const Tables& tables);
std::vector<Cidr> blocks_of(const PrefixListRecord& list);

// How many rules of a group's quota a rule counts for: a prefix list for as many as it may have
// entries. https://docs.aws.amazon.com/vpc/latest/userguide/managed-prefix-lists.html
std::size_t weight_of(const Tables& tables, const SecurityRuleRecord& rule);

// Security groups and route tables that refer to the list.
struct ListUser {
  std::string id;
  std::string vpc_id;
};
std::vector<ListUser> users_of(const Tables& tables, std::string_view list_id);

}  // namespace landfall::ec2
