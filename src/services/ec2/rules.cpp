#include "services/ec2/rules.h"

#include <arpa/inet.h>

#include "services/ec2/kinds.h"
#include "services/ec2/prefix_lists.h"

namespace landfall::ec2 {
namespace {

// Names for the protocols that have one; others by number. "all" and -1 are every protocol.
Result<std::string> read_protocol(std::string_view given) {
  std::string text(given);
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  if (text == "-1" || text == "all") return "-1";
  if (text == "tcp" || text == "6") return "tcp";
  if (text == "udp" || text == "17") return "udp";
  if (text == "icmp" || text == "1") return "icmp";
  if (text == "icmpv6" || text == "58") return "icmpv6";
  int number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && number >= 0 && number <= 255) {
    return std::to_string(number);
  }
  return fail("InvalidParameterValue",
              fmt::format("Invalid value '{}' for IP protocol. Unknown protocol.", given));
}

Result<void> read_ports(SecurityRuleRecord& rule, const std::optional<std::int32_t>& from,
                        const std::optional<std::int32_t>& to) {
  rule.from_port = rule.to_port = -1;
  if (rule.protocol == "tcp" || rule.protocol == "udp") {
    // -1 or nothing at all for both means every port.
    if (from.value_or(-1) == -1 && to.value_or(-1) == -1) {
      if (!from && !to) {
        return fail(
            "InvalidParameterValue",
            "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.");
      }
      rule.from_port = 0;
      rule.to_port = 65535;
      return {};
    }
    if (!from || !to) {
      return fail(
          "InvalidParameterValue",
          "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.");
    }
    if (*from < 0 || *to < 0 || *from > 65535 || *to > 65535) {
      return fail("InvalidParameterValue",
                  fmt::format("Invalid value '{}' for portRange. Must be between 0 and 65535.",
                              *from < 0 || *from > 65535 ? *from : *to));
    }
    if (*from > *to) {
      return fail("InvalidParameterValue",
                  fmt::format("Invalid TCP/UDP port range ({}:{})", *from, *to));
    }
    rule.from_port = *from;
    rule.to_port = *to;
  } else if (rule.protocol == "icmp" || rule.protocol == "icmpv6") {
    rule.from_port = from.value_or(-1);
    rule.to_port = to.value_or(-1);
    if (rule.from_port < -1 || rule.from_port > 255 || rule.to_port < -1 || rule.to_port > 255) {
      return fail("InvalidParameterValue",
                  fmt::format("ICMP code ({}) out of range", rule.to_port));
    }
    if (rule.from_port == -1 && rule.to_port != -1) {
      return fail("InvalidParameterValue", "ICMP code cannot be specified without a type");
    }
  }
  return {};
}

Result<std::string> read_block(const std::string& text) {
  const auto block = Cidr::parse(text);
  if (block) return block->str();
  // The address alone is what most people forget the /32 of.
  return fail("InvalidParameterValue", fmt::format("CIDR block {} is malformed", text));
}

Result<std::string> read_block_v6(const std::string& text) {
  const auto slash = text.find('/');
  in6_addr address{};
  int length = -1;
  if (slash != std::string::npos) {
    const char* end = text.data() + text.size();
    if (std::from_chars(text.data() + slash + 1, end, length).ptr != end) length = -1;
  }
  if (length < 0 || length > 128 ||
      ::inet_pton(AF_INET6, text.substr(0, slash).c_str(), &address) != 1) {
    return fail("InvalidParameterValue", fmt::format("CIDR block {} is malformed", text));
  }
  for (int bit = length; bit < 128; ++bit) {
    address.s6_addr[bit / 8] &= static_cast<std::uint8_t>(~(0x80 >> bit % 8));
  }
  char canonical[INET6_ADDRSTRLEN];
  ::inet_ntop(AF_INET6, &address, canonical, sizeof canonical);
  return fmt::format("{}/{}", canonical, length);
}

Result<std::string> find_group(const Tables& tables, const SecurityGroupRecord& own,
                               const UserIdGroupPair& pair) {
  if (pair.group_id && !pair.group_id->empty()) {
    const auto found = tables.security_groups.get(*pair.group_id);
    if (!found) return no_such(kinds::kSecurityGroup, *pair.group_id);
    if (found->value.vpc_id != own.vpc_id) {
      return fail(
          "InvalidGroup.NotFound",
          fmt::format(
              "You have specified two resources that belong to different networks: {} and {}",
              own.id, *pair.group_id));
    }
    return *pair.group_id;
  }
  for (const auto& row : tables.security_groups.list()) {
    if (row.value.vpc_id == own.vpc_id && row.value.name == pair.group_name.value_or(""))
      return row.id;
  }
  return fail("InvalidGroup.NotFound",
              fmt::format("The security group '{}' does not exist", pair.group_name.value_or("")));
}

Result<void> check_description(const std::string& text) {
  constexpr std::string_view kAllowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._-:/()#,@[]+=&;{}!$*";
  if (text.size() <= 255 && text.find_first_not_of(kAllowed) == std::string::npos) return {};
  return fail(
      "InvalidParameterValue",
      "Invalid rule description. Valid descriptions are strings less than 256 characters from the "
      "following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*");
}

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? char(c - 32) : c; });
  return text;
}

}  // namespace

Result<std::vector<SecurityRuleRecord>> read_permissions(
    const Tables& tables, const SecurityGroupRecord& own,
    const wire::List<IpPermission>& permissions, bool egress) {
  std::vector<SecurityRuleRecord> out;
  for (const IpPermission& permission : permissions) {
    if (!permission.ip_protocol) {
      return fail("MissingParameter", "The request must contain the parameter ipProtocol");
    }
    SecurityRuleRecord rule;
    rule.egress = egress;
    LF_TRY(protocol, read_protocol(*permission.ip_protocol));
    rule.protocol = protocol;
    LF_OK(read_ports(rule, permission.from_port, permission.to_port));
    const std::size_t before = out.size();
    for (const IpRange& range : permission.ip_ranges) {
      SecurityRuleRecord one = rule;
      LF_TRY(block, read_block(range.cidr_ip.value_or("")));
      one.cidr = block;
      one.description = range.description.value_or("");
      out.push_back(std::move(one));
    }
    for (const Ipv6Range& range : permission.ipv6_ranges) {
      SecurityRuleRecord one = rule;
      LF_TRY(block, read_block_v6(range.cidr_ipv6.value_or("")));
      one.cidr_v6 = block;
      one.description = range.description.value_or("");
      out.push_back(std::move(one));
    }
    for (const UserIdGroupPair& pair : permission.user_id_group_pairs) {
      SecurityRuleRecord one = rule;
      LF_TRY(group, find_group(tables, own, pair));
      one.group_id = group;
      one.group_owner = tables.scope.account;
      one.description = pair.description.value_or("");
      out.push_back(std::move(one));
    }
    for (const PrefixListId& list : permission.prefix_list_ids) {
      SecurityRuleRecord one = rule;
      one.prefix_list_id = list.prefix_list_id.value_or("");
      if (!find_prefix_list(tables, one.prefix_list_id))
        return no_such(kinds::kPrefixList, one.prefix_list_id);
      one.description = list.description.value_or("");
      out.push_back(std::move(one));
    }
    if (out.size() == before) {
      return fail("MissingParameter", "Source group or CIDR must be specified");
    }
  }
  for (const SecurityRuleRecord& rule : out) LF_OK(check_description(rule.description));
  return out;
}

std::optional<IpPermission> as_permission(const SimpleRule& simple) {
  if (!simple.protocol && !simple.cidr && !simple.group_name && !simple.from_port &&
      !simple.to_port)
    return {};
  IpPermission out;
  out.from_port = simple.from_port;
  out.to_port = simple.to_port;
  out.ip_protocol = simple.protocol;
  if (!simple.protocol && simple.group_name) out.ip_protocol = "-1";
  if (simple.cidr) out.ip_ranges.emplace_back().cidr_ip = simple.cidr;
  if (simple.group_name) {
    UserIdGroupPair& pair = out.user_id_group_pairs.emplace_back();
    pair.group_name = simple.group_name;
    pair.user_id = simple.group_owner;
  }
  return out;
}

Result<SecurityRuleRecord> read_rule(const Tables& tables, const SecurityGroupRecord& own,
                                     const SecurityGroupRuleRequest& request, bool egress) {
  IpPermission permission;
  permission.ip_protocol = request.ip_protocol;
  permission.from_port = request.from_port;
  permission.to_port = request.to_port;
  if (request.cidr_ipv4) permission.ip_ranges.emplace_back().cidr_ip = request.cidr_ipv4;
  if (request.cidr_ipv6) permission.ipv6_ranges.emplace_back().cidr_ipv6 = request.cidr_ipv6;
  if (request.referenced_group_id) {
    permission.user_id_group_pairs.emplace_back().group_id = request.referenced_group_id;
  }
  if (request.prefix_list_id)
    permission.prefix_list_ids.emplace_back().prefix_list_id = request.prefix_list_id;
  LF_TRY(rules, read_permissions(tables, own, {permission}, egress));
  if (rules.size() != 1) {
    return fail("InvalidParameterCombination",
                "Exactly one of CidrIpv4, CidrIpv6, PrefixListId and ReferencedGroupId is needed");
  }
  rules[0].description = request.description.value_or("");
  LF_OK(check_description(rules[0].description));
  return std::move(rules[0]);
}

bool same_permission(const SecurityRuleRecord& a, const SecurityRuleRecord& b) {
  const auto key = [](const SecurityRuleRecord& r) {
    return std::tie(r.egress, r.protocol, r.from_port, r.to_port, r.cidr, r.cidr_v6, r.group_id,
                    r.prefix_list_id);
  };
  return key(a) == key(b);
}

std::string text_of(const SecurityRuleRecord& rule) {
  const std::string peer = !rule.cidr.empty()       ? rule.cidr
                           : !rule.cidr_v6.empty()  ? rule.cidr_v6
                           : !rule.group_id.empty() ? rule.group_id
                                                    : rule.prefix_list_id;
  if (rule.protocol == "-1") return fmt::format("peer: {}, ALL, ALLOW", peer);
  return fmt::format("peer: {}, {}, from port: {}, to port: {}, ALLOW", peer, upper(rule.protocol),
                     rule.from_port, rule.to_port);
}

IpPermission as_permission(const SecurityRuleRecord& rule) {
  return std::move(group_permissions({rule}, rule.egress).front());
}

wire::List<IpPermission> group_permissions(const std::vector<SecurityRuleRecord>& rules,
                                           bool egress) {
  wire::List<IpPermission> out;
  out.present = true;
  for (const SecurityRuleRecord& rule : rules) {
    if (rule.egress != egress) continue;
    auto found = std::ranges::find_if(out, [&](const IpPermission& p) {
      return p.ip_protocol == rule.protocol && p.from_port.value_or(-1) == rule.from_port &&
             p.to_port.value_or(-1) == rule.to_port;
    });
    if (found == out.end()) {
      IpPermission& fresh = out.emplace_back();
      fresh.ip_protocol = rule.protocol;
      // Protocols without ports have none, not -1.
      if (rule.protocol == "tcp" || rule.protocol == "udp" || rule.protocol.starts_with("icmp")) {
        fresh.from_port = rule.from_port;
        fresh.to_port = rule.to_port;
      }
      fresh.ip_ranges.present = fresh.ipv6_ranges.present = true;
      fresh.user_id_group_pairs.present = fresh.prefix_list_ids.present = true;
      found = std::prev(out.end());
    }
    const auto description =
        rule.description.empty() ? std::nullopt : std::optional(rule.description);
    if (!rule.cidr.empty()) {
      IpRange& range = found->ip_ranges.emplace_back();
      range.cidr_ip = rule.cidr;
      range.description = description;
    } else if (!rule.cidr_v6.empty()) {
      Ipv6Range& range = found->ipv6_ranges.emplace_back();
      range.cidr_ipv6 = rule.cidr_v6;
      range.description = description;
    } else if (!rule.prefix_list_id.empty()) {
      PrefixListId& list = found->prefix_list_ids.emplace_back();
      list.prefix_list_id = rule.prefix_list_id;
      list.description = description;
    } else {
      UserIdGroupPair& pair = found->user_id_group_pairs.emplace_back();
      pair.group_id = rule.group_id;
      pair.user_id = rule.group_owner;
      pair.description = description;
    }
  }
  return out;
}

}  // namespace landfall::ec2
