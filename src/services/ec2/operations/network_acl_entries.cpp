// operations: CreateNetworkAclEntry, ReplaceNetworkAclEntry, DeleteNetworkAclEntry
#include "services/ec2/operations/operation.h"

namespace landfall::ec2 {
namespace {

// https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html: each direction, beside
// the last entry.
constexpr std::ptrdiff_t kMostEntries = 20;

Result<void> check_number(std::int32_t number) {
  if (number >= 1 && number < kLastAclEntry) return {};
  return fail("InvalidParameterValue",
              fmt::format("Invalid value '{}' for ruleNumber. Must be between 1 and {}.", number,
                          kLastAclEntry - 1));
}

Result<std::string> read_protocol(std::string_view text) {
  if (text == "-1" || text == "all") return "-1";
  if (text == "tcp") return "6";
  if (text == "udp") return "17";
  if (text == "icmp") return "1";
  int number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && number >= 0 && number <= 255) {
    return std::to_string(number);
  }
  return fail("InvalidParameterValue", fmt::format("Invalid value '{}' for IP protocol.", text));
}

template <class In>
Result<void> read_ports(const In& in, AclEntryRecord& entry) {
  if (entry.protocol == "1") {
    if (!in.icmp_type_code) {
      return fail("MissingParameter", "The request must contain the parameter icmpTypeCode");
    }
    entry.from_port = in.icmp_type_code->type.value_or(-1);
    entry.to_port = in.icmp_type_code->code.value_or(-1);
    const bool fits = entry.from_port >= -1 && entry.from_port <= 255 && entry.to_port >= -1 &&
                      entry.to_port <= 255 && !(entry.from_port == -1 && entry.to_port != -1);
    if (!fits) return fail("InvalidParameterValue", "Invalid ICMP type and code.");
    return {};
  }
  if (entry.protocol != "6" && entry.protocol != "17") return {};
  if (!in.port_range || !in.port_range->from || !in.port_range->to) {
    return fail("MissingParameter", "The request must contain the parameter portRange");
  }
  entry.from_port = *in.port_range->from;
  entry.to_port = *in.port_range->to;
  if (entry.from_port < 0 || entry.to_port > 65535 || entry.from_port > entry.to_port) {
    return fail("InvalidParameterValue",
                fmt::format("Invalid TCP/UDP port range ({}:{})", entry.from_port, entry.to_port));
  }
  return {};
}

// Create and Replace have the same members.
template <class In>
Result<AclEntryRecord> read_entry(const In& in) {
  LF_OK(check_number(in.rule_number));
  AclEntryRecord entry;
  entry.egress = in.egress;
  entry.number = in.rule_number;
  LF_TRY(protocol, read_protocol(in.protocol));
  entry.protocol = protocol;
  entry.allow = in.rule_action == "allow";
  if (in.ipv6_cidr_block) {
    return fail("InvalidParameterValue", "Landfall's networks have IPv4 only.");
  }
  if (!in.cidr_block) {
    return fail("MissingParameter", "The request must contain the parameter cidrBlock");
  }
  const auto block = Cidr::parse(*in.cidr_block);
  if (!block) {
    return fail("InvalidParameterValue",
                fmt::format("Value ({}) for parameter cidrBlock is invalid. This is not a valid "
                            "CIDR block.",
                            *in.cidr_block));
  }
  entry.cidr = block->str();
  LF_OK(read_ports(in, entry));
  return entry;
}

auto find_entry(NetworkAclRecord& acl, bool egress, std::int32_t number) {
  return std::ranges::find_if(acl.entries, [&](const AclEntryRecord& entry) {
    return entry.egress == egress && entry.number == number;
  });
}

std::unexpected<Error> no_entry(std::int32_t number) {
  return fail("InvalidNetworkAclEntry.NotFound",
              fmt::format("The network acl entry identified by {} does not exist.", number));
}

}  // namespace

task<Result<CreateNetworkAclEntryResponse>> create_network_acl_entry(
    Ec2& ec2, const RequestContext& ctx, CreateNetworkAclEntryRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  std::string vpc_id;
  {
    const auto guard = co_await ec2.writing.enter();
    LF_CO_TRY(row, find(tables.network_acls, kinds::kNetworkAcl, in.network_acl_id));
    LF_CO_TRY(entry, read_entry(in));
    auto& entries = row.value.entries;
    if (find_entry(row.value, entry.egress, entry.number) != entries.end()) {
      co_return fail(
          "NetworkAclEntryAlreadyExists",
          fmt::format("The network acl entry identified by {} already exists.", entry.number));
    }
    if (std::ranges::count(entries, entry.egress, &AclEntryRecord::egress) > kMostEntries) {
      co_return fail("NetworkAclEntryLimitExceeded",
                     "The maximum number of network acl entries has been reached.");
    }
    entries.push_back(entry);
    // As AWS lists them: outbound first, by number.
    std::ranges::sort(entries, {},
                      [](const AclEntryRecord& e) { return std::pair(!e.egress, e.number); });
    vpc_id = row.value.vpc_id;
    LF_CO_OK(co_await save(ec2, tables.network_acls, row.value));
  }
  co_await wait_in_force(ec2, ctx.scope, vpc_id);
  co_return CreateNetworkAclEntryResponse{};
}

task<Result<ReplaceNetworkAclEntryResponse>> replace_network_acl_entry(
    Ec2& ec2, const RequestContext& ctx, ReplaceNetworkAclEntryRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  std::string vpc_id;
  {
    const auto guard = co_await ec2.writing.enter();
    LF_CO_TRY(row, find(tables.network_acls, kinds::kNetworkAcl, in.network_acl_id));
    LF_CO_TRY(entry, read_entry(in));
    const auto found = find_entry(row.value, entry.egress, entry.number);
    if (found == row.value.entries.end()) co_return no_entry(entry.number);
    *found = entry;
    vpc_id = row.value.vpc_id;
    LF_CO_OK(co_await save(ec2, tables.network_acls, row.value));
  }
  co_await wait_in_force(ec2, ctx.scope, vpc_id);
  co_return ReplaceNetworkAclEntryResponse{};
}

task<Result<DeleteNetworkAclEntryResponse>> delete_network_acl_entry(
    Ec2& ec2, const RequestContext& ctx, DeleteNetworkAclEntryRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  LF_CO_OK(check_number(in.rule_number));
  std::string vpc_id;
  {
    const auto guard = co_await ec2.writing.enter();
    LF_CO_TRY(row, find(tables.network_acls, kinds::kNetworkAcl, in.network_acl_id));
    const auto found = find_entry(row.value, in.egress, in.rule_number);
    if (found == row.value.entries.end()) co_return no_entry(in.rule_number);
    row.value.entries.erase(found);
    vpc_id = row.value.vpc_id;
    LF_CO_OK(co_await save(ec2, tables.network_acls, row.value));
  }
  co_await wait_in_force(ec2, ctx.scope, vpc_id);
  co_return DeleteNetworkAclEntryResponse{};
}

}  // namespace landfall::ec2
