// What processes have counted whose control socket is gone: files of the folder
// <data folder>/proxy/last-metrics, one a process, named by its boot.
#pragma once

#include <filesystem>

#include "proxy/protocol.h"

namespace landfall::proxy {

inline constexpr std::string_view kLastMetrics = "last-metrics";

Result<void> write_last_metrics(const std::filesystem::path& folder, const Metrics& metrics);
// Files that cannot be read are left out, and removed.
std::vector<Metrics> read_last_metrics(const std::filesystem::path& folder);

}  // namespace landfall::proxy
