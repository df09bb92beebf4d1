// operations: DescribeManagedPrefixLists, DescribePrefixLists, GetManagedPrefixListEntries
// operations: GetManagedPrefixListAssociations
#include "services/ec2/operations/operation.h"
#include "services/ec2/prefix_lists.h"

namespace landfall::ec2 {
namespace {

std::vector<store::Row<PrefixListRecord>> rows_of(std::vector<PrefixListRecord> lists) {
  std::vector<store::Row<PrefixListRecord>> out;
  for (PrefixListRecord& list : lists) {
    auto& row = out.emplace_back();
    row.id = list.id;
    row.value = std::move(list);
  }
  return out;
}

Result<PrefixListRecord> find_any(const Tables& tables, const std::string& id) {
  auto list = find_prefix_list(tables, id);
  if (!list) return no_such(kinds::kPrefixList, id);
  return std::move(*list);
}

// A page of what has no ids of its own: the token is where the next one begins.
template <class T>
Result<std::optional<std::string>> take_page(std::vector<T>& items,
                                             const std::optional<std::string>& token,
                                             std::optional<std::int32_t> most) {
  std::size_t first = 0;
  if (token) {
    const char* end = token->data() + token->size();
    if (std::from_chars(token->data(), end, first).ptr != end || first > items.size())
      return fail("InvalidNextToken", "The token is not valid.");
  }
  items.erase(items.begin(), items.begin() + std::ptrdiff_t(first));
  if (!most || items.size() <= std::size_t(*most)) return std::optional<std::string>();
  items.resize(std::size_t(*most));
  return std::optional(std::to_string(first + items.size()));
}

}  // namespace

task<Result<DescribeManagedPrefixListsResponse>> describe_managed_prefix_lists(
    Ec2& ec2, const RequestContext& ctx, DescribeManagedPrefixListsRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  LF_CO_TRY(page, select(rows_of(all_prefix_lists(tables)),
                         {kinds::kPrefixList, in.prefix_list_ids, in.filters, in.max_results,
                          in.next_token},
                         facts_in<PrefixListRecord>(tables)));
  DescribeManagedPrefixListsResponse out;
  for (const PrefixListRecord& list : page.items)
    out.prefix_lists.push_back(describe(tables, list));
  out.next_token = page.next_token;
  co_return out;
}

// AWS's own only, with their blocks.
task<Result<DescribePrefixListsResponse>> describe_prefix_lists(Ec2& ec2, const RequestContext& ctx,
                                                                DescribePrefixListsRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  LF_CO_TRY(page, select(rows_of(amazon_prefix_lists(ctx.scope.region)),
                         {kinds::kPrefixList, in.prefix_list_ids, in.filters, in.max_results,
                          in.next_token},
                         facts_in<PrefixListRecord>(tables)));
  DescribePrefixListsResponse out;
  for (const PrefixListRecord& list : page.items) {
    PrefixList& shown = out.prefix_lists.emplace_back();
    shown.prefix_list_id = list.id;
    shown.prefix_list_name = list.name;
    for (const PrefixEntryRecord& entry : list.entries) shown.cidrs.push_back(entry.cidr);
  }
  out.next_token = page.next_token;
  co_return out;
}

task<Result<GetManagedPrefixListEntriesResponse>> get_managed_prefix_list_entries(
    Ec2& ec2, const RequestContext& ctx, GetManagedPrefixListEntriesRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  LF_CO_TRY(list, find_any(tables, in.prefix_list_id));
  std::vector<PrefixEntryRecord> entries = list.entries;
  if (in.target_version && *in.target_version != list.version) {
    const auto found = list.versions.find(fmt::format("{:08}", *in.target_version));
    if (found == list.versions.end()) {
      co_return fail("InvalidParameterValue", fmt::format("The prefix list {} has no version {}",
                                                          list.id, *in.target_version));
    }
    entries = found->second;
  }
  GetManagedPrefixListEntriesResponse out;
  LF_CO_TRY(next, take_page(entries, in.next_token, in.max_results));
  out.next_token = next;
  for (const PrefixEntryRecord& entry : entries) {
    PrefixListEntry& shown = out.entries.emplace_back();
    shown.cidr = entry.cidr;
    if (!entry.description.empty()) shown.description = entry.description;
  }
  co_return out;
}

task<Result<GetManagedPrefixListAssociationsResponse>> get_managed_prefix_list_associations(
    Ec2& ec2, const RequestContext& ctx, GetManagedPrefixListAssociationsRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  LF_CO_TRY(list, find_any(tables, in.prefix_list_id));
  std::vector<ListUser> users = users_of(tables, list.id);
  GetManagedPrefixListAssociationsResponse out;
  LF_CO_TRY(next, take_page(users, in.next_token, in.max_results));
  out.next_token = next;
  for (const ListUser& user : users) {
    PrefixListAssociation& shown = out.prefix_list_associations.emplace_back();
    shown.resource_id = user.id;
    shown.resource_owner = ctx.scope.account;
  }
  co_return out;
}

}  // namespace landfall::ec2
