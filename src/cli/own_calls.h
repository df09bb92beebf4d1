// The server's side of `landfall status` and `landfall why`.
#pragma once

#include "gateway/gateway.h"
#include "reconcile/why.h"
#include "store/store.h"

namespace landfall::cli {

inline constexpr std::string_view kVersion = "0.1.0";

// All of it outlives the gateway.
void add_own_calls(gateway::Gateway& gateway, store::Store& store, const reconcile::Why& why,
                   std::string region, TimePoint started);

}  // namespace landfall::cli
