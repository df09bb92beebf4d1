#include "services/ec2/tagging.h"

namespace landfall::ec2 {
namespace {

// Calls visit(kind, table) for every table whose records have tags of their own.
template <class Visit>
void for_each_table(const Tables& tables, Visit visit) {
  visit(kinds::kVpc, tables.vpcs);
  visit(kinds::kSubnet, tables.subnets);
  visit(kinds::kRouteTable, tables.route_tables);
  visit(kinds::kInternetGateway, tables.internet_gateways);
  visit(kinds::kNatGateway, tables.nat_gateways);
  visit(kinds::kSecurityGroup, tables.security_groups);
  visit(kinds::kInterface, tables.interfaces);
  visit(kinds::kAddress, tables.elastic_addresses);
  visit(kinds::kNetworkAcl, tables.network_acls);
  visit(kinds::kDhcpOptions, tables.dhcp_options);
  visit(kinds::kPrefixList, tables.prefix_lists);
  visit(kinds::kEndpoint, tables.endpoints);
  visit(kinds::kFlowLog, tables.flow_logs);
}

Result<void> change_rule_tags(const Tables& tables, const std::string& id,
                              const std::function<Result<void>(Tags&)>& change,
                              store::Transaction& transaction) {
  for (auto& row : tables.security_groups.list()) {
    const auto rule = std::ranges::find(row.value.rules, id, &SecurityRuleRecord::id);
    if (rule == row.value.rules.end()) continue;
    LF_OK(change(rule->tags));
    transaction.operations.push_back(tables.security_groups.put(row.id, row.value));
    return {};
  }
  return no_such(kinds::kSecurityRule, id);
}

}  // namespace

wire::List<Tag> describe_tags(const Tags& tags) {
  wire::List<Tag> out;
  for (const auto& [key, value] : tags) {
    Tag& tag = out.emplace_back();
    tag.key = key;
    tag.value = value;
  }
  return out;
}

Result<void> add_tags(Tags& tags, const wire::List<Tag>& more) {
  for (const Tag& tag : more) {
    const std::string key = tag.key.value_or(""), value = tag.value.value_or("");
    if (key.empty()) return fail("InvalidParameterValue", "Tag key cannot be null or empty.");
    if (key.size() > 127 * 4 || value.size() > 255 * 4) {
      return fail("InvalidParameterValue",
                  "Tag key exceeds 127 or tag value exceeds 255 characters");
    }
    if (key.starts_with("aws:")) {
      return fail("InvalidParameterValue",
                  "Tag keys starting with 'aws:' are reserved for internal use");
    }
    tags[key] = value;
  }
  if (tags.size() > kMostTags) {
    return fail("TagLimitExceeded", fmt::format("More than {} tags specified", kMostTags));
  }
  return {};
}

Result<Tags> read_tags(const wire::List<TagSpecification>& specifications, const Kind& kind) {
  Tags tags;
  for (const TagSpecification& specification : specifications) {
    const std::string type = specification.resource_type.value_or("");
    if (type != kind.resource_type) {
      return fail(
          "InvalidParameterValue",
          fmt::format("'{}' is not a valid taggable resource type for this operation.", type));
    }
    LF_OK(add_tags(tags, specification.tags));
  }
  return tags;
}

Result<void> change_tags(const Tables& tables, const std::string& id,
                         const std::function<Result<void>(Tags&)>& change,
                         store::Transaction& transaction) {
  const std::string_view prefix = std::string_view(id).substr(0, id.rfind('-'));
  if (prefix == kinds::kSecurityRule.prefix)
    return change_rule_tags(tables, id, change, transaction);
  Result<void> done = fail("InvalidID", fmt::format("The ID '{}' is not valid", id));
  for_each_table(tables, [&](const Kind& kind, const auto& table) {
    if (kind.prefix != prefix) return;
    auto row = table.get(id);
    if (!row) return void(done = no_such(kind, id));
    done = change(row->value.tags);
    if (done) transaction.operations.push_back(table.put(id, row->value));
  });
  return done;
}

std::vector<TaggedResource> tagged_resources(const Tables& tables) {
  std::vector<TaggedResource> out;
  for_each_table(tables, [&](const Kind& kind, const auto& table) {
    for (auto& row : table.list()) {
      if (!row.value.tags.empty())
        out.push_back({row.id, std::string(kind.resource_type), std::move(row.value.tags)});
    }
  });
  for (const auto& row : tables.security_groups.list()) {
    for (const SecurityRuleRecord& rule : row.value.rules) {
      if (!rule.tags.empty())
        out.push_back({rule.id, std::string(kinds::kSecurityRule.resource_type), rule.tags});
    }
  }
  std::ranges::sort(out, {}, &TaggedResource::id);
  return out;
}

}  // namespace landfall::ec2
