#include "services/ec2/network_port.h"

#include "services/ec2/defaults.h"
#include "services/ec2/interfaces.h"
#include "services/ec2/reachability.h"
#include "services/ec2/regions.h"

namespace landfall::ec2 {
namespace {

VpcInfo describe_vpc(const VpcRecord& record) {
  return {record.id, *Cidr::parse(record.cidr), record.is_default,
          record.default_security_group_id};
}

std::vector<std::string> texts(const std::vector<Ipv4>& addresses) {
  std::vector<std::string> out;
  for (const Ipv4 address : addresses) out.push_back(address.str());
  return out;
}

void apply_options(const DhcpOptionsRecord& options, Interface& interface) {
  const auto domain = options.values.find("domain-name");
  if (domain != options.values.end()) interface.search_domain = domain->second.front();
  const auto servers = options.values.find("domain-name-servers");
  if (servers == options.values.end()) return;
  if (const auto address = Ipv4::parse(servers->second.front())) interface.dns_server = *address;
}

}  // namespace

Interface NetworkPort::describe(const Tables& tables, const NetworkInterfaceRecord& record) const {
  Interface out;
  out.scope = tables.scope;
  out.id = record.id;
  out.owner = record.owner;
  out.description = record.description;
  out.vpc_id = record.vpc_id;
  out.subnet_id = record.subnet_id;
  out.availability_zone = record.zone;
  out.mac = record.mac;
  out.private_address = *Ipv4::parse(record.address);
  if (const auto subnet = tables.subnets.get(record.subnet_id))
    out.subnet = *Cidr::parse(subnet->value.cidr);
  out.private_dns_name = private_dns_name(out.private_address, tables.scope.region);
  out.public_address = Ipv4::parse(record.public_address);
  out.security_group_ids = record.group_ids;
  out.namespace_path = network_.interface_namespace(record.id);
  out.dns_server = *Ipv4::parse(kDnsAddress);
  if (const auto vpc = tables.vpcs.get(record.vpc_id)) {
    out.dns_server = Cidr::parse(vpc->value.cidr)->base + 2;
    if (const auto options = tables.dhcp_options.get(vpc->value.dhcp_options_id)) {
      apply_options(options->value, out);
    }
  }
  return out;
}

SubnetInfo NetworkPort::describe(const Tables& tables, const SubnetRecord& record) const {
  SubnetInfo out;
  out.id = record.id;
  out.arn =
      Arn{"aws", "ec2", tables.scope.region, tables.scope.account, "subnet/" + record.id}.str();
  out.vpc_id = record.vpc_id;
  out.block = *Cidr::parse(record.cidr);
  out.availability_zone = record.zone;
  out.map_public_ip_on_launch = record.map_public_ip_on_launch;
  out.is_default = record.default_for_zone;
  if (const auto records = read_vpc(tables, record.vpc_id)) {
    const RouteTableRecord* table = route_table_of(*records, record.id);
    const auto by_default =
        table ? std::ranges::find(table->routes, "0.0.0.0/0", &RouteRecord::destination)
              : std::vector<RouteRecord>::const_iterator();
    out.routed_to_internet =
        table && by_default != table->routes.end() &&
        std::ranges::find(records->internet_gateways, by_default->target,
                          &InternetGatewayRecord::id) != records->internet_gateways.end();
    out.vpc_has_internet_gateway = !records->internet_gateways.empty();
  }
  return out;
}

std::optional<SubnetInfo> NetworkPort::find_subnet(const Scope& scope, std::string_view id) {
  const Tables tables = ec2_.tables(scope);
  const auto row = tables.subnets.get(id);
  if (!row) return {};
  return describe(tables, row->value);
}

std::vector<SubnetInfo> NetworkPort::subnets_of(const Scope& scope, std::string_view vpc_id) {
  const Tables tables = ec2_.tables(scope);
  std::vector<SubnetInfo> out;
  for (const auto& row : tables.subnets.list()) {
    if (row.value.vpc_id == vpc_id) out.push_back(describe(tables, row.value));
  }
  std::ranges::sort(out, {}, &SubnetInfo::availability_zone);
  return out;
}

std::optional<VpcInfo> NetworkPort::find_vpc(const Scope& scope, std::string_view id) {
  const auto row = ec2_.tables(scope).vpcs.get(id);
  if (!row) return {};
  return describe_vpc(row->value);
}

std::optional<std::string> NetworkPort::vpc_of_security_group(const Scope& scope,
                                                              std::string_view id) {
  const auto row = ec2_.tables(scope).security_groups.get(id);
  if (!row) return {};
  return row->value.vpc_id;
}

task<Result<VpcInfo>> NetworkPort::default_vpc(Scope scope) {
  LF_CO_TRY(tables, co_await open_tables(ec2_, scope));
  const auto defaults = tables.defaults.get("default");
  const auto vpc = defaults ? tables.vpcs.get(defaults->value.vpc_id) : std::nullopt;
  if (!vpc) {
    co_return fail("DefaultVpcDoesNotExist",
                   fmt::format("There is no default VPC in {}", scope.region));
  }
  co_return describe_vpc(vpc->value);
}

std::vector<std::string> NetworkPort::availability_zones(std::string_view region) {
  std::vector<std::string> out;
  for (const Zone& zone : zones_of(region)) out.push_back(zone.name);
  return out;
}

task<Result<Interface>> NetworkPort::allocate_interface(InterfaceRequest request) {
  CHECK(!request.owner.empty());
  LF_CO_TRY(tables, co_await open_tables(ec2_, request.scope));
  const auto guard = co_await ec2_.writing.enter();
  for (const auto& row : tables.interfaces.list()) {
    if (row.value.owner == request.owner) co_return describe(tables, row.value);
  }
  store::Transaction transaction;
  LF_CO_TRY(record, prepare_interface(ec2_, tables, request, transaction));
  LF_CO_OK(co_await commit(ec2_, std::move(transaction)));
  co_return describe(tables, record);
}

std::optional<Interface> NetworkPort::find_interface(const Scope& scope, std::string_view id) {
  const Tables tables = ec2_.tables(scope);
  const auto row = tables.interfaces.get(id);
  if (!row) return {};
  return describe(tables, row->value);
}

std::optional<Interface> NetworkPort::find_interface_at(const Scope& scope, std::string_view vpc_id,
                                                        Ipv4 address) {
  const Tables tables = ec2_.tables(scope);
  const std::string wanted = address.str();
  for (const auto& row : tables.interfaces.list()) {
    if (row.value.vpc_id == vpc_id && row.value.address == wanted)
      return describe(tables, row.value);
  }
  return {};
}

std::vector<Interface> NetworkPort::interfaces_of(const Scope& scope,
                                                  std::string_view owner_prefix) {
  const Tables tables = ec2_.tables(scope);
  std::vector<Interface> out;
  for (const auto& row : tables.interfaces.list()) {
    if (!row.value.owner.empty() && row.value.owner.starts_with(owner_prefix)) {
      out.push_back(describe(tables, row.value));
    }
  }
  return out;
}

task<Result<Interface>> NetworkPort::wait_ready(Scope scope, std::string id, Millis timeout) {
  LF_CO_OK(co_await controller_.wait_ready(scope, id, timeout));
  auto found = find_interface(scope, id);
  if (!found)
    co_return fail("not-found", fmt::format("the network interface {} does not exist", id), 404);
  co_return std::move(*found);
}

task<Result<void>> NetworkPort::set_security_groups(Scope scope, std::string id,
                                                    std::vector<std::string> group_ids) {
  const Tables tables = ec2_.tables(scope);
  const auto guard = co_await ec2_.writing.enter();
  auto row = tables.interfaces.get(id);
  if (!row)
    co_return fail("not-found", fmt::format("the network interface {} does not exist", id), 404);
  for (const std::string& group : group_ids) {
    const auto found = tables.security_groups.get(group);
    if (!found) {
      co_return fail("InvalidGroup.NotFound",
                     fmt::format("The security group '{}' does not exist", group));
    }
    if (found->value.vpc_id != row->value.vpc_id) {
      co_return fail("InvalidParameterValue",
                     fmt::format("Security group {} is of another network than {}", group, id));
    }
  }
  if (row->value.group_ids == group_ids || group_ids.empty()) co_return Result<void>();
  row->value.group_ids = std::move(group_ids);
  co_return co_await commit(ec2_, {{}, {tables.interfaces.put(id, row->value)}});
}

task<Result<Interface>> NetworkPort::set_public_address(Scope scope, std::string id, bool wanted) {
  const Tables tables = ec2_.tables(scope);
  const auto guard = co_await ec2_.writing.enter();
  auto row = tables.interfaces.get(id);
  if (!row)
    co_return fail("not-found", fmt::format("the network interface {} does not exist", id), 404);
  NetworkInterfaceRecord& record = row->value;
  if (wanted != record.public_address.empty()) co_return describe(tables, record);
  store::Transaction transaction;
  if (wanted) {
    LF_CO_TRY(reserved, reserve_public_address(ec2_, scope, id));
    record.public_address = reserved.address.str();
    record.association_id = ec2_.new_id("eipassoc");
    transaction.operations.push_back(std::move(reserved.write));
  } else {
    if (record.allocation_id.empty()) {
      transaction.operations.push_back(release_public_address(record.public_address));
    }
    record.public_address = record.allocation_id = record.association_id = "";
  }
  transaction.operations.push_back(tables.interfaces.put(id, record));
  LF_CO_OK(co_await commit(ec2_, std::move(transaction)));
  co_return describe(tables, record);
}

task<Result<void>> NetworkPort::delete_interface(Scope scope, std::string id) {
  const Tables tables = ec2_.tables(scope);
  const auto guard = co_await ec2_.writing.enter();
  const auto row = tables.interfaces.get(id);
  if (!row) co_return Result<void>();
  store::Transaction transaction;
  prepare_interface_deletion(tables, row->value, transaction);
  co_return co_await commit(ec2_, std::move(transaction));
}

task<Result<void>> NetworkPort::register_name(DnsName name) {
  std::ranges::transform(name.name, name.name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  const Tables tables = ec2_.tables(name.scope);
  const auto guard = co_await ec2_.writing.enter();
  const auto found = tables.dns_names.get(name.name);
  if (found && found->value.owner != name.owner) {
    co_return fail("name-taken", fmt::format("{} belongs to {}", name.name, found->value.owner),
                   409);
  }
  const DnsNameRecord record{name.scope.account,
                             name.scope.region,
                             name.name,
                             name.owner,
                             name.vpc_id,
                             texts(name.private_addresses),
                             texts(name.public_addresses)};
  if (found && record::to_text(found->value) == record::to_text(record)) co_return Result<void>();
  co_return co_await commit(ec2_, {{}, {tables.dns_names.put(name.name, record)}});
}

task<Result<void>> NetworkPort::unregister_names(Scope scope, std::string owner) {
  const Tables tables = ec2_.tables(scope);
  const auto guard = co_await ec2_.writing.enter();
  store::Transaction transaction;
  for (const auto& row : tables.dns_names.list()) {
    const bool ours = row.value.owner == owner && row.value.account == scope.account &&
                      row.value.region == scope.region;
    if (ours) transaction.operations.push_back(tables.dns_names.remove(row.id));
  }
  if (transaction.operations.empty()) co_return Result<void>();
  co_return co_await commit(ec2_, std::move(transaction));
}

std::optional<NamedPlace> NetworkPort::find_name(const Scope& scope, std::string_view name) {
  const Tables tables = ec2_.tables(scope);
  const auto found = tables.dns_names.get(std::string(name));
  if (!found || found->value.account != scope.account || found->value.region != scope.region)
    return {};
  NamedPlace out{found->value.owner, found->value.vpc_id, {}};
  for (const auto& row : tables.interfaces.list()) {
    const auto among = [](const std::vector<std::string>& list, const std::string& address) {
      return !address.empty() && std::ranges::find(list, address) != list.end();
    };
    if (row.value.vpc_id == out.vpc_id &&
        (among(found->value.private_addresses, row.value.address) ||
         among(found->value.public_addresses, row.value.public_address)))
      out.interface_ids.push_back(row.id);
  }
  return out;
}

namespace {

// One end of a path, with the records it points into.
struct LoadedEnd {
  std::optional<NetworkInterfaceRecord> interface;
  std::optional<VpcRecords> vpc;
  Ipv4 address;
  bool by_public = false;
  PathEnd end() const {
    return {vpc ? &*vpc : nullptr, interface ? &*interface : nullptr, address, by_public};
  }
};

// An address means the interface that has it: privately inside of its VPC, publicly everywhere.
LoadedEnd load_end(const Tables& tables, const Peer& peer, std::string_view inside_vpc) {
  LoadedEnd out{.interface = {}, .vpc = {}, .address = peer.address};
  if (!peer.interface_id.empty()) {
    if (auto row = tables.interfaces.get(peer.interface_id)) {
      out.interface = std::move(row->value);
    } else if (const auto subnet = tables.subnets.get(peer.subnet_id)) {
      out.interface = NetworkInterfaceRecord();
      out.interface->id = peer.interface_id;
      out.interface->vpc_id = subnet->value.vpc_id;
      out.interface->subnet_id = peer.subnet_id;
      out.interface->address = peer.address.str();
      out.interface->group_ids = peer.group_ids;
      if (const auto vpc = tables.vpcs.get(subnet->value.vpc_id);
          vpc && out.interface->group_ids.empty())
        out.interface->group_ids = {vpc->value.default_security_group_id};
    }
  } else {
    const std::string address = peer.address.str();
    for (auto& row : tables.interfaces.list()) {
      const bool privately = row.value.vpc_id == inside_vpc && row.value.address == address;
      if (!privately && row.value.public_address != address) continue;
      out.by_public = !privately;
      out.interface = std::move(row.value);
      break;
    }
  }
  if (out.interface) out.vpc = read_vpc(tables, out.interface->vpc_id);
  return out;
}

}  // namespace

Reachability NetworkPort::reachability(const Scope& scope, const Peer& from, const Peer& to,
                                       std::string_view protocol, std::uint16_t port) {
  const Tables tables = ec2_.tables(scope);
  const LoadedEnd source = load_end(tables, from, "");
  const std::string vpc_id = source.vpc ? source.vpc->vpc.id : "";
  const LoadedEnd target = load_end(tables, to, vpc_id);
  for (const auto& [peer, loaded] : {std::pair(&from, &source), std::pair(&to, &target)}) {
    if (!peer->interface_id.empty() && !loaded->vpc) {
      return {false, "no-interface", fmt::format("{} does not exist", peer->interface_id), ""};
    }
  }
  if (source.vpc && !target.interface && Cidr::parse(source.vpc->vpc.cidr)->contains(to.address)) {
    return {false, "no-such-address",
            fmt::format("nothing in {} has the address {}", vpc_id, to.address.str()), ""};
  }
  return ec2::reachability(source.end(), target.end(), protocol, port);
}

}  // namespace landfall::ec2
