// What else comes of events that have just become durable: samples of metric filters, and live
// tails. Patterns are matched on the loop's pool: a batch may be a mebibyte, and there may be
// a hundred of them.
#pragma once

#include "services/logs/service.h"

namespace landfall::logs {

// Somebody looks at what comes into this stream: then the events are worth a copy.
bool is_watched(Logs& logs, const GroupRecord& group, std::string_view stream);
// Events are in the log whatever comes of it.
task<void> watch_events(Logs& logs, Scope scope, GroupRecord group, std::string stream,
                        std::vector<LogEvent> events);

}  // namespace landfall::logs
