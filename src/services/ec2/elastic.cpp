#include "services/ec2/elastic.h"

#include "services/ec2/interfaces.h"
#include "services/ec2/kinds.h"

namespace landfall::ec2 {

Result<store::Row<ElasticAddressRecord>> find_elastic(const Tables& tables,
                                                      const std::optional<std::string>& allocation,
                                                      const std::optional<std::string>& address) {
  if (allocation && !allocation->empty()) {
    auto row = tables.elastic_addresses.get(*allocation);
    if (!row) return no_such(kinds::kAddress, *allocation);
    return std::move(*row);
  }
  if (!address || address->empty()) {
    return fail("MissingParameter",
                "The request must contain the parameter allocationId or publicIp");
  }
  for (auto& row : tables.elastic_addresses.list()) {
    if (row.value.address == *address) return std::move(row);
  }
  return fail("InvalidAddress.NotFound", fmt::format("Address '{}' not found.", *address));
}

std::optional<NetworkInterfaceRecord> holder_of(const Tables& tables,
                                                const ElasticAddressRecord& address) {
  for (auto& row : tables.interfaces.list()) {
    if (row.value.allocation_id == address.allocation_id) return std::move(row.value);
  }
  return {};
}

void give_address(Ec2& ec2, const ElasticAddressRecord& address, NetworkInterfaceRecord& interface,
                  store::Transaction& transaction) {
  if (!interface.public_address.empty() && interface.allocation_id.empty()) {
    transaction.operations.push_back(release_public_address(interface.public_address));
  }
  interface.public_address = address.address;
  interface.allocation_id = address.allocation_id;
  interface.association_id = ec2.new_id("eipassoc");
}

void take_address(NetworkInterfaceRecord& interface) {
  interface.public_address.clear();
  interface.allocation_id.clear();
  interface.association_id.clear();
}

}  // namespace landfall::ec2
