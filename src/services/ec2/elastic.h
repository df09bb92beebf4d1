// Elastic addresses and the interfaces that have them.
#pragma once

#include "services/ec2/service.h"

namespace landfall::ec2 {

// By allocation id, or by the address itself. Errors: InvalidAllocationID.NotFound,
// InvalidAddress.NotFound, MissingParameter.
Result<store::Row<ElasticAddressRecord>> find_elastic(const Tables& tables,
                                                      const std::optional<std::string>& allocation,
                                                      const std::optional<std::string>& address);

// The interface that has it; absent: nobody.
std::optional<NetworkInterfaceRecord> holder_of(const Tables& tables,
                                                const ElasticAddressRecord& address);

// Gives the interface the address, in place of the one it has; one that was assigned goes back to
// the pool. Adds the writes but the interface's own.
void give_address(Ec2& ec2, const ElasticAddressRecord& address, NetworkInterfaceRecord& interface,
                  store::Transaction& transaction);
void take_address(NetworkInterfaceRecord& interface);

}  // namespace landfall::ec2
