#include "services/ec2/prefix_lists.h"

#include "base/bytes.h"
#include "services/ec2/port.h"

namespace landfall::ec2 {

std::vector<PrefixListRecord> amazon_prefix_lists(std::string_view region) {
  std::vector<PrefixListRecord> out;
  for (const char* service : {"dynamodb", "s3"}) {
    PrefixListRecord& list = out.emplace_back();
    list.name = fmt::format("com.amazonaws.{}.{}", region, service);
    list.id = "pl-" + sha256_hex(list.name).substr(0, 8);
    list.amazon = true;
    list.max_entries = 1;
    list.entries.push_back({fmt::format("{}/32", kApiAddress), ""});
  }
  return out;
}

bool is_amazons(const PrefixListRecord& list) { return list.amazon; }

std::optional<PrefixListRecord> find_prefix_list(const Tables& tables, std::string_view id) {
  if (auto row = tables.prefix_lists.get(id)) return std::move(row->value);
  for (PrefixListRecord& list : amazon_prefix_lists(tables.scope.region))
    if (list.id == id) return std::move(list);
  return {};
}

std::vector<PrefixListRecord> all_prefix_lists(const Tables& tables) {
  std::vector<PrefixListRecord> out = amazon_prefix_lists(tables.scope.region);
  for (auto& row : tables.prefix_lists.list()) out.push_back(std::move(row.value));
  std::ranges::sort(out, {}, &PrefixListRecord::id);
  return out;
}

std::vector<Cidr> blocks_of(const PrefixListRecord& list) {
  std::vector<Cidr> out;
  for (const PrefixEntryRecord& entry : list.entries)
    if (const auto block = Cidr::parse(entry.cidr)) out.push_back(*block);
  return out;
}

std::size_t weight_of(const Tables& tables, const SecurityRuleRecord& rule) {
  if (rule.prefix_list_id.empty()) return 1;
  const auto list = find_prefix_list(tables, rule.prefix_list_id);
  return list ? std::size_t(list->max_entries) : 1;
}

std::vector<ListUser> users_of(const Tables& tables, std::string_view list_id) {
  std::vector<ListUser> out;
  for (const auto& row : tables.security_groups.list()) {
    if (std::ranges::find(row.value.rules, list_id, &SecurityRuleRecord::prefix_list_id) !=
        row.value.rules.end())
      out.push_back({row.id, row.value.vpc_id});
  }
  for (const auto& row : tables.route_tables.list()) {
    if (std::ranges::find(row.value.routes, list_id, &RouteRecord::destination) !=
        row.value.routes.end())
      out.push_back({row.id, row.value.vpc_id});
  }
  return out;
}

}  // namespace landfall::ec2
