// Opening a scan. Included by engine/*.cpp only.
#pragma once

#include "services/logs/engine/log_database.h"
#include "services/logs/engine/scan.h"

namespace landfall::logs {

struct ScanStream {
  std::int64_t id = 0;
  std::int64_t last_event_ms = 0;
  std::size_t group = 0;  // index in ScanSettings::groups
  std::string name;
};

// Sees what is on disk now.
std::unique_ptr<Scan> scan_blocks(std::shared_ptr<LogDatabase> database, ScanSettings settings,
                                  std::vector<ScanStream> streams);

}  // namespace landfall::logs
