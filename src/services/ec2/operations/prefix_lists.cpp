// operations: CreateManagedPrefixList, DeleteManagedPrefixList, ModifyManagedPrefixList
// operations: RestoreManagedPrefixListVersion
// https://docs.aws.amazon.com/vpc/latest/userguide/working-with-managed-prefix-lists.html
#include "services/ec2/prefix_lists.h"

#include "services/ec2/operations/operation.h"

namespace landfall::ec2 {
namespace {

constexpr std::size_t kMostVersions = 50;

Result<void> check_name(std::string_view name) {
  if (name.empty() || name.size() > 255) {
    return fail("InvalidParameterValue",
                "The prefix list name must have between 1 and 255 characters");
  }
  if (name.starts_with("com.amazonaws")) {
    return fail(
        "InvalidParameterValue",
        fmt::format("Invalid prefix list name '{}': names cannot start with com.amazonaws", name));
  }
  return {};
}

Result<PrefixEntryRecord> read_entry(const AddPrefixListEntry& entry) {
  const auto block = Cidr::parse(entry.cidr);
  if (!block || block->str() != entry.cidr) {
    return fail("InvalidParameterValue",
                fmt::format("Value ({}) for parameter cidr is invalid. This is not a valid CIDR "
                            "block.",
                            entry.cidr));
  }
  const std::string description = entry.description.value_or("");
  if (description.size() > 255)
    return fail("InvalidParameterValue", "An entry's description has at most 255 characters");
  return PrefixEntryRecord{block->str(), description};
}

// Added once more, an entry gets another description.
Result<void> add_entries(std::vector<PrefixEntryRecord>& entries,
                         const wire::List<AddPrefixListEntry>& more) {
  std::set<std::string> named;
  for (const AddPrefixListEntry& given : more) {
    LF_TRY(entry, read_entry(given));
    if (!named.insert(entry.cidr).second) {
      return fail("InvalidParameterValue",
                  fmt::format("The CIDR {} is named more than once", entry.cidr));
    }
    const auto found = std::ranges::find(entries, entry.cidr, &PrefixEntryRecord::cidr);
    if (found != entries.end()) {
      found->description = entry.description;
    } else {
      entries.push_back(std::move(entry));
    }
  }
  std::ranges::sort(entries, {},
                    [](const PrefixEntryRecord& entry) { return *Cidr::parse(entry.cidr); });
  return {};
}

Result<void> check_size(const PrefixListRecord& list) {
  if (list.max_entries < 1 || list.max_entries > int(kMostListEntries)) {
    return fail("InvalidParameterValue",
                fmt::format("Value ({}) for parameter maxEntries is invalid. It must be between 1 "
                            "and {}.",
                            list.max_entries, kMostListEntries));
  }
  if (int(list.entries.size()) > list.max_entries) {
    return fail("PrefixListMaxEntriesExceeded",
                fmt::format("The number of entries ({}) is more than the prefix list's maximum "
                            "({})",
                            list.entries.size(), list.max_entries));
  }
  return {};
}

Result<store::Row<PrefixListRecord>> find_own(const Tables& tables, const std::string& id) {
  for (const PrefixListRecord& list : amazon_prefix_lists(tables.scope.region)) {
    if (list.id == id) {
      return fail("OperationNotPermitted",
                  fmt::format("The prefix list {} belongs to AWS and cannot be changed", id));
    }
  }
  return find(tables.prefix_lists, kinds::kPrefixList, id);
}

void keep_version(PrefixListRecord& list) {
  list.versions[fmt::format("{:08}", list.version)] = list.entries;
  while (list.versions.size() > kMostVersions) list.versions.erase(list.versions.begin());
}

Result<void> check_version(const PrefixListRecord& list, const std::optional<std::int64_t>& said) {
  if (!said) {
    return fail("MissingParameter", "The request must contain the parameter currentVersion");
  }
  if (*said == list.version) return {};
  return fail("PrefixListVersionMismatch",
              fmt::format("The current version of the prefix list {} is {}, not {}", list.id,
                          list.version, *said));
}

// A group whose rules count for more than it may have would lose some of them.
Result<void> check_users(const Tables& tables, const PrefixListRecord& list, int more) {
  if (more <= 0) return {};
  for (const auto& row : tables.security_groups.list()) {
    for (const bool egress : {false, true}) {
      std::size_t sum = 0;
      for (const SecurityRuleRecord& rule : row.value.rules) {
        if (rule.egress != egress) continue;
        sum += weight_of(tables, rule);
        if (rule.prefix_list_id == list.id) sum += std::size_t(more);
      }
      if (sum <= kMostRules) continue;
      return fail(
          "RulesPerSecurityGroupLimitExceeded",
          fmt::format("The security group {} would have more than {} rules", row.id, kMostRules));
    }
  }
  return {};
}

task<void> wait_for_users(Ec2& ec2, Tables tables, std::string list_id) {
  std::set<std::string> vpcs;
  for (const ListUser& user : users_of(tables, list_id)) vpcs.insert(user.vpc_id);
  for (const std::string& vpc : vpcs) co_await wait_in_force(ec2, tables.scope, vpc);
}

void begin_version(PrefixListRecord& list) {
  ++list.version;
  keep_version(list);
}

Result<void> modify(const Tables& tables, PrefixListRecord& list,
                    const ModifyManagedPrefixListRequest& in) {
  const bool entries = !in.add_entries.empty() || !in.remove_entries.empty();
  if (entries && in.max_entries) {
    return fail("InvalidParameterCombination",
                "You cannot modify the entries of a prefix list and its size at once");
  }
  if (in.ipam_prefix_list_resolver_sync_enabled.value_or(false))
    return fail("InvalidParameterValue", "There is no IPAM here.");
  if (in.prefix_list_name) {
    LF_OK(check_name(*in.prefix_list_name));
    list.name = *in.prefix_list_name;
  }
  if (in.max_entries) {
    LF_OK(check_users(tables, list, *in.max_entries - list.max_entries));
    list.max_entries = *in.max_entries;
  }
  if (!entries) return {};
  LF_OK(check_version(list, in.current_version));
  for (const RemovePrefixListEntry& gone : in.remove_entries) {
    if (std::erase_if(list.entries, [&](const auto& e) { return e.cidr == gone.cidr; }) == 0) {
      return fail("InvalidParameterValue",
                  fmt::format("The prefix list {} has no entry {}", list.id, gone.cidr));
    }
  }
  LF_OK(add_entries(list.entries, in.add_entries));
  begin_version(list);
  return {};
}

Result<void> restore(const Tables&, PrefixListRecord& list,
                     const RestoreManagedPrefixListVersionRequest& in) {
  LF_OK(check_version(list, in.current_version));
  const auto found = list.versions.find(fmt::format("{:08}", in.previous_version));
  if (found == list.versions.end() || in.previous_version >= list.version) {
    return fail("InvalidParameterValue", fmt::format("The prefix list {} has no earlier version {}",
                                                     list.id, in.previous_version));
  }
  list.entries = found->second;
  begin_version(list);
  return {};
}

// Finds a list of the account's own, has it changed, writes it down, and waits until those that use
// it let pass what it says now. `verb` names its states.
template <class Out, class In>
task<Result<Out>> change_list(Ec2& ec2, const RequestContext& ctx, In in, std::string_view verb,
                              Result<void> (*change)(const Tables&, PrefixListRecord&, const In&)) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  Out out;
  {
    const auto guard = co_await ec2.writing.enter();
    LF_CO_TRY(row, find_own(tables, in.prefix_list_id));
    LF_CO_OK(change(tables, row.value, in));
    LF_CO_OK(check_size(row.value));
    row.value.state = fmt::format("{}-complete", verb);
    LF_CO_OK(co_await save(ec2, tables.prefix_lists, row.value));
    out.prefix_list = describe(tables, row.value);
    out.prefix_list->state = fmt::format("{}-in-progress", verb);
  }
  co_await wait_for_users(ec2, tables, in.prefix_list_id);
  co_return out;
}

}  // namespace

task<Result<CreateManagedPrefixListResponse>> create_managed_prefix_list(
    Ec2& ec2, const RequestContext& ctx, CreateManagedPrefixListRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  LF_CO_OK(check_name(in.prefix_list_name));
  if (in.address_family != "IPv4") {
    co_return fail("InvalidParameterValue",
                   fmt::format("Networks have IPv4 only here (AddressFamily=IPv4, not '{}').",
                               in.address_family));
  }
  PrefixListRecord list;
  list.name = in.prefix_list_name;
  list.max_entries = in.max_entries;
  LF_CO_TRY(tags, read_tags(in.tag_specifications, kinds::kPrefixList));
  list.tags = tags;
  LF_CO_OK(add_entries(list.entries, in.entries));
  LF_CO_OK(check_size(list));
  keep_version(list);
  const auto guard = co_await ec2.writing.enter();
  list.made_by = {in.client_token.value_or(""),
                  fmt::format("{} {} {}", list.name, list.max_entries, list.entries.size())};
  CreateManagedPrefixListResponse out;
  LF_CO_TRY(before, made_before(tables.prefix_lists, list.made_by));
  if (before) {
    out.prefix_list = describe(tables, *before);
    co_return out;
  }
  list.id = ec2.new_id("pl");
  LF_CO_OK(co_await save(ec2, tables.prefix_lists, list));
  out.prefix_list = describe(tables, list);
  out.prefix_list->state = "create-in-progress";  // what AWS says at first
  co_return out;
}

task<Result<ModifyManagedPrefixListResponse>> modify_managed_prefix_list(
    Ec2& ec2, const RequestContext& ctx, ModifyManagedPrefixListRequest in) {
  co_return co_await change_list<ModifyManagedPrefixListResponse>(ec2, ctx, std::move(in), "modify",
                                                                  modify);
}

task<Result<RestoreManagedPrefixListVersionResponse>> restore_managed_prefix_list_version(
    Ec2& ec2, const RequestContext& ctx, RestoreManagedPrefixListVersionRequest in) {
  co_return co_await change_list<RestoreManagedPrefixListVersionResponse>(ec2, ctx, std::move(in),
                                                                          "restore", restore);
}

task<Result<DeleteManagedPrefixListResponse>> delete_managed_prefix_list(
    Ec2& ec2, const RequestContext& ctx, DeleteManagedPrefixListRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  const auto guard = co_await ec2.writing.enter();
  LF_CO_TRY(row, find_own(tables, in.prefix_list_id));
  if (const auto users = users_of(tables, row.id); !users.empty()) {
    co_return fail("DependencyViolation",
                   fmt::format("The prefix list '{}' is in use by {} and cannot be deleted.",
                               row.id, users.front().id));
  }
  LF_CO_OK(co_await commit(ec2, {{}, {tables.prefix_lists.remove(row.id)}}));
  DeleteManagedPrefixListResponse out;
  out.prefix_list = describe(tables, row.value);
  out.prefix_list->state = "delete-in-progress";
  co_return out;
}

}  // namespace landfall::ec2
