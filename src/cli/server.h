// Everything that `landfall serve` runs, put together.
#pragma once

#include <filesystem>

#include "base/ipv4.h"
#include "host/instance.h"
#include "io/loop.h"
#include "io/net.h"
#include "services/application_autoscaling/service.h"
#include "services/elbv2/published.h"

namespace landfall::cli {

struct ServerSettings {
  host::Instance instance;
  io::Endpoint listen;
  std::string region;
  std::string account;  // empty: kept from before, or chosen
  Cidr public_pool;
  std::filesystem::path engines;
  std::optional<io::Endpoint> metrics;  // for Prometheus; absent: only behind a signature
  std::vector<elbv2::Published> published;
  application_autoscaling::AlarmTiming target_tracking;
};

// Runs until it is asked to stop, also while it starts. `ended` says why it could not start.
task<void> serve(io::Loop& loop, ServerSettings settings, Result<void>& ended);

}  // namespace landfall::cli
