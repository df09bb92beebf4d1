#include "services/logs/insights/run.h"

namespace landfall::logs::insights {

QueryRun::QueryRun(Plan plan, std::unique_ptr<Scan> scan, std::vector<std::string> logs,
                   std::vector<std::int64_t> groups, std::size_t memory)
    : plan_(std::move(plan)),
      scan_(std::move(scan)),
      logs_(std::move(logs)),
      groups_(std::move(groups)),
      row_(plan_.event_layout()) {
  budget_.limit = memory;
  stages_ = plan_.build(rows_, matched_, budget_);
}

void QueryRun::take(const ScannedEvent& event) {
  event_.group = groups_[event.group];
  event_.stream = event.stream;
  event_.log = logs_[event.group];
  event_.stream_name = event.stream_name;
  event_.position = event.position;
  event_.ingestion_ms = event.ingestion_ms;
  event_.message = event.message;
  row_.begin(event_);
  stages_->push(row_, event.position);
}

Result<bool> QueryRun::scan(std::chrono::steady_clock::time_point until) {
  const auto visit = [this](const ScannedEvent& event) {
    if (!budget_.exceeded()) take(event);
  };
  // In short pieces, so that what need not be looked at any more is not.
  while (std::chrono::steady_clock::now() < until) {
    LF_TRY(more, scan_->run(std::chrono::steady_clock::time_point::min(), visit));
    if (budget_.exceeded()) {
      return fail("query-failed",
                  "The query needs too much memory: group by fewer values, or narrow the time.");
    }
    if (!more) {
      stages_->finish();
      if (budget_.exceeded()) {
        return fail("query-failed", "The results of the query are too large.");
      }
      return false;
    }
    if (const auto enough = stages_->enough_before_ms()) scan_->ignore_before(*enough);
  }
  return true;
}

Result<bool> QueryRun::step(std::chrono::steady_clock::time_point until) {
  try {
    return scan(until);
  } catch (const Regex::TooComplex&) {
    return fail("query-failed", "A regular expression needs too many steps.");
  }
}

}  // namespace landfall::logs::insights
