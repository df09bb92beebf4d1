// Connection tracking's memory of addresses that changed hands.
#pragma once

#include <set>
#include <string>

#include "base/ipv4.h"
#include "base/result.h"

namespace landfall::host::network {

// Deletes the tracked connections of a namespace that have one of `addresses` at any end. Blocks.
Result<void> forget_connections(const std::string& namespace_path, const std::set<Ipv4>& addresses);

}  // namespace landfall::host::network
