// Reading events back: merged over streams in order of time, or the end of one stream backwards.
// Block on the disk; run on the loop's pool.
#pragma once

#include "services/logs/engine/engine.h"
#include "services/logs/engine/log_database.h"

namespace landfall::logs {

struct SearchedStream {
  std::int64_t id = 0;
  std::int64_t first_event_ms = 0;
  std::string name;
};

Result<Page> search_forward(LogDatabase& database, const Query& query,
                            std::vector<SearchedStream> streams);
// The first of `streams` only.
Result<Page> search_backward(LogDatabase& database, const Query& query,
                             const std::vector<SearchedStream>& streams);

// Billed bytes of the stream's blocks that begin before `end_ms`.
Result<std::int64_t> measure_blocks(LogDatabase& database, std::int64_t stream,
                                    std::int64_t end_ms);

}  // namespace landfall::logs
