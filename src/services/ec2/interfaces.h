// Making and removing network interfaces as records; the controller makes them in the kernel.
#pragma once

#include "services/ec2/port.h"
#include "services/ec2/service.h"

namespace landfall::ec2 {

// Addresses AWS keeps back in every subnet: the first four and the last.
// https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
bool usable_in_subnet(const Cidr& subnet, Ipv4 address);
std::uint64_t usable_addresses(const Cidr& subnet);

// A free address, looked for from a random place on, so that one just given back is not given out
// at once.
std::optional<Ipv4> pick_address(const Cidr& block, const std::set<Ipv4>& taken, Random& random,
                                 const std::function<bool(Ipv4)>& usable);

std::string private_dns_name(Ipv4 address, std::string_view region);
std::string public_dns_name(Ipv4 address, std::string_view region);

// A public address for `holder`, and the write that reserves it. Error AddressLimitExceeded.
struct ReservedAddress {
  Ipv4 address;
  store::Put write;
};
Result<ReservedAddress> reserve_public_address(Ec2& ec2, const Scope& scope,
                                               const std::string& holder);
store::Delete release_public_address(std::string_view address);

// https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
inline constexpr std::size_t kMostGroups = 5;
// The groups an interface of the VPC may have; without any, the default one. Errors:
// InvalidGroup.NotFound, InvalidParameterValue, SecurityGroupsPerInterfaceLimitExceeded.
Result<std::vector<std::string>> check_groups(const Tables& tables, const VpcRecord& vpc,
                                              std::vector<std::string> ids);

// Adds an interface's creation to `transaction`. Caller holds ec2.writing.
Result<NetworkInterfaceRecord> prepare_interface(Ec2& ec2, const Tables& tables,
                                                 const InterfaceRequest& request,
                                                 store::Transaction& transaction);
// Adds its deletion, with the release of an assigned public address.
void prepare_interface_deletion(const Tables& tables, const NetworkInterfaceRecord& interface,
                                store::Transaction& transaction);

}  // namespace landfall::ec2
