#include "services/ec2/interfaces.h"

#include "services/ec2/regions.h"

namespace landfall::ec2 {
namespace {

std::string new_mac(Random& random) {
  const std::uint64_t bits = random.next();
  // Locally administered, as AWS's are.
  return fmt::format("06:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", bits & 255, bits >> 8 & 255,
                     bits >> 16 & 255, bits >> 24 & 255, bits >> 32 & 255);
}

std::string dashed(Ipv4 address) {
  std::string text = address.str();
  std::ranges::replace(text, '.', '-');
  return text;
}

Result<Ipv4> private_address(Ec2& ec2, const Tables& tables, const SubnetRecord& subnet,
                             const std::optional<Ipv4>& asked) {
  const Cidr block = *Cidr::parse(subnet.cidr);
  std::set<Ipv4> taken;
  for (const auto& row : tables.interfaces.list()) {
    if (row.value.subnet_id == subnet.id) taken.insert(*Ipv4::parse(row.value.address));
  }
  if (asked) {
    if (!usable_in_subnet(block, *asked)) {
      return fail(
          "InvalidParameterValue",
          fmt::format("Address {} does not fall within the subnet's address range, or is reserved",
                      asked->str()));
    }
    if (taken.contains(*asked)) return fail("InvalidIPAddress.InUse", "Address is in use.");
    return *asked;
  }
  const auto free = pick_address(block, taken, ec2.random,
                                 [&](Ipv4 address) { return usable_in_subnet(block, address); });
  if (!free) {
    return fail("InsufficientFreeAddressesInSubnet",
                "Insufficient Free Addresses in subnet to allocate 1 addresses");
  }
  return *free;
}

}  // namespace

Result<std::vector<std::string>> check_groups(const Tables& tables, const VpcRecord& vpc,
                                              std::vector<std::string> ids) {
  if (ids.empty()) return std::vector{vpc.default_security_group_id};
  if (ids.size() > kMostGroups) {
    return fail("SecurityGroupsPerInterfaceLimitExceeded",
                fmt::format("You have exceeded the maximum number of security groups per network "
                            "interface ({}).",
                            kMostGroups));
  }
  for (const std::string& id : ids) {
    const auto group = tables.security_groups.get(id);
    if (!group) {
      return fail("InvalidGroup.NotFound",
                  fmt::format("The security group '{}' does not exist", id));
    }
    if (group->value.vpc_id != vpc.id) {
      return fail("InvalidParameterValue",
                  fmt::format("Security group {} and subnet belong to different networks.", id));
    }
  }
  return ids;
}

bool usable_in_subnet(const Cidr& subnet, Ipv4 address) {
  return subnet.contains(address) && address.value - subnet.base.value >= 4 &&
         address != subnet.last();
}

std::uint64_t usable_addresses(const Cidr& subnet) {
  return subnet.size() < 5 ? 0 : subnet.size() - 5;
}

std::optional<Ipv4> pick_address(const Cidr& block, const std::set<Ipv4>& taken, Random& random,
                                 const std::function<bool(Ipv4)>& usable) {
  const std::uint64_t start = random.below(block.size());
  for (std::uint64_t i = 0; i < block.size(); ++i) {
    const Ipv4 address = block.base + static_cast<std::uint32_t>((start + i) % block.size());
    if (usable(address) && !taken.contains(address)) return address;
  }
  return {};
}

std::string private_dns_name(Ipv4 address, std::string_view region) {
  return fmt::format("ip-{}.{}", dashed(address), internal_domain(region));
}

std::string public_dns_name(Ipv4 address, std::string_view region) {
  return fmt::format("ec2-{}.{}", dashed(address), public_domain(region));
}

Result<ReservedAddress> reserve_public_address(Ec2& ec2, const Scope& scope,
                                               const std::string& holder) {
  std::set<Ipv4> taken;
  for (const auto& row : ec2.store.range(kPublicAddressPrefix)) {
    if (const auto address =
            Ipv4::parse(std::string_view(row.key).substr(kPublicAddressPrefix.size()))) {
      taken.insert(*address);
    }
  }
  const Cidr& pool = ec2.public_pool;
  // The first address is the network's; the last four link the pool to the host.
  const auto free = pick_address(pool, taken, ec2.random, [&](Ipv4 address) {
    return address != pool.base && address.value < pool.last().value - 3;
  });
  if (!free) {
    return fail("AddressLimitExceeded",
                fmt::format("Every address of the public pool {} is in use.", pool.str()));
  }
  const std::string value =
      record::to_text(PublicAddressRecord{scope.account, scope.region, holder});
  return ReservedAddress{*free, {fmt::format("{}{}", kPublicAddressPrefix, free->str()), value}};
}

store::Delete release_public_address(std::string_view address) {
  return {fmt::format("{}{}", kPublicAddressPrefix, address)};
}

Result<NetworkInterfaceRecord> prepare_interface(Ec2& ec2, const Tables& tables,
                                                 const InterfaceRequest& request,
                                                 store::Transaction& transaction) {
  const auto subnet = tables.subnets.get(request.subnet_id);
  if (!subnet) {
    return fail("InvalidSubnetID.NotFound",
                fmt::format("The subnet ID '{}' does not exist", request.subnet_id));
  }
  const auto vpc = tables.vpcs.get(subnet->value.vpc_id);
  if (!vpc) return fail("InternalError", "the subnet's VPC is missing", 500);
  std::vector<std::string> groups;
  if (request.interface_type != kNetworkBalancerInterfaceType ||
      !request.security_group_ids.empty()) {
    LF_TRY(checked, check_groups(tables, vpc->value, request.security_group_ids));
    groups = std::move(checked);
  }
  LF_TRY(address, private_address(ec2, tables, subnet->value, request.private_address));

  NetworkInterfaceRecord interface;
  interface.id = ec2.new_id("eni");
  interface.owner = request.owner;
  interface.vpc_id = vpc->id;
  interface.subnet_id = subnet->id;
  interface.zone = subnet->value.zone;
  interface.description = request.description;
  interface.type = request.interface_type;
  interface.mac = new_mac(ec2.random);
  interface.address = address.str();
  interface.group_ids = std::move(groups);
  interface.created = ec2.clock.now();
  if (!request.owner.empty()) {
    interface.requester_managed = true;
    interface.requester_id = request.owner.substr(0, request.owner.find(':'));
    interface.attachment_id = ec2.new_id("eni-attach");
  }
  if (request.public_address.value_or(subnet->value.map_public_ip_on_launch)) {
    LF_TRY(reserved, reserve_public_address(ec2, tables.scope, interface.id));
    interface.public_address = reserved.address.str();
    interface.association_id = ec2.new_id("eipassoc");
    transaction.operations.push_back(std::move(reserved.write));
  }
  transaction.operations.push_back(tables.interfaces.put(interface.id, interface));
  return interface;
}

void prepare_interface_deletion(const Tables& tables, const NetworkInterfaceRecord& interface,
                                store::Transaction& transaction) {
  transaction.operations.push_back(tables.interfaces.remove(interface.id));
  // An elastic address stays with its owner.
  if (!interface.public_address.empty() && interface.allocation_id.empty()) {
    transaction.operations.push_back(release_public_address(interface.public_address));
  }
}

}  // namespace landfall::ec2
