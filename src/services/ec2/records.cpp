#include "services/ec2/records.h"

namespace landfall::ec2 {
namespace {

std::string prefix(const Scope& scope, std::string_view table) {
  return fmt::format("/ec2/{}/{}/{}/", scope.account, scope.region, table);
}

}  // namespace

Tables::Tables(store::Store& store, const Scope& scope_of)
    : scope(scope_of),
      vpcs(store, prefix(scope, "vpcs")),
      subnets(store, prefix(scope, "subnets")),
      route_tables(store, prefix(scope, "route-tables")),
      internet_gateways(store, prefix(scope, "internet-gateways")),
      security_groups(store, prefix(scope, "security-groups")),
      interfaces(store, prefix(scope, "interfaces")),
      elastic_addresses(store, prefix(scope, "elastic-addresses")),
      nat_gateways(store, prefix(scope, "nat-gateways")),
      network_acls(store, prefix(scope, "network-acls")),
      dhcp_options(store, prefix(scope, "dhcp-options")),
      prefix_lists(store, prefix(scope, "prefix-lists")),
      endpoints(store, prefix(scope, "endpoints")),
      flow_logs(store, prefix(scope, "flow-logs")),
      dns_names(store, std::string(kDnsNamePrefix)),
      defaults(store, prefix(scope, "defaults")) {}

std::optional<KeyParts> parse_key(std::string_view key) {
  constexpr std::string_view kStart = "/ec2/";
  if (!key.starts_with(kStart)) return {};
  key.remove_prefix(kStart.size());
  std::array<std::string, 3> parts;
  for (std::string& part : parts) {
    const auto slash = key.find('/');
    if (slash == std::string_view::npos) return {};
    part = key.substr(0, slash);
    key.remove_prefix(slash + 1);
  }
  return KeyParts{{parts[0], parts[1]}, parts[2], std::string(key)};
}

}  // namespace landfall::ec2
