// One query being run, piece by piece, on whatever thread.
#pragma once

#include "services/logs/engine/scan.h"
#include "services/logs/insights/plan.h"

namespace landfall::logs::insights {

struct Figures {
  std::int64_t matched = 0;
  std::int64_t scanned = 0;
  std::int64_t bytes = 0;
};

class QueryRun {
 public:
  // `logs`: what @log is in each of the scan's groups; `groups`: their numbers.
  QueryRun(Plan plan, std::unique_ptr<Scan> scan, std::vector<std::string> logs,
           std::vector<std::int64_t> groups, std::size_t memory = 128 << 20);

  // False when it is done. Errors: "query-failed" with what to do about it, and those of the scan.
  Result<bool> step(std::chrono::steady_clock::time_point until);
  Figures figures() const { return {matched_, scan_->events, scan_->bytes}; }

  const std::vector<std::string>& columns() const { return plan_.columns(); }
  std::vector<ResultRow>& rows() { return rows_; }

 private:
  Result<bool> scan(std::chrono::steady_clock::time_point until);
  void take(const ScannedEvent& event);

  Plan plan_;
  std::unique_ptr<Scan> scan_;
  std::vector<std::string> logs_;
  std::vector<std::int64_t> groups_;
  Budget budget_;
  std::int64_t matched_ = 0;
  std::vector<ResultRow> rows_;
  Event event_;
  Row row_;
  StagePtr stages_;
};

}  // namespace landfall::logs::insights
