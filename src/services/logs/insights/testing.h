// For tests: a query over lines that are nowhere but in the test.
#pragma once

#include <gtest/gtest.h>

#include "services/logs/insights/run.h"

namespace landfall::logs::insights::testing {

inline constexpr std::int64_t kStart = 1'800'000'000'000;  // 2027-01-15 08:00:00

// The events of one stream, a second apart unless their times are given, in blocks of one event.
class Lines final : public Scan {
 public:
  explicit Lines(std::vector<std::string> lines, std::int64_t apart_ms = 1000)
      : lines_(std::move(lines)), apart_ms_(apart_ms) {}
  Result<bool> run(std::chrono::steady_clock::time_point, const Visit& visit) override {
    if (at_ == lines_.size()) return false;
    ScannedEvent event;
    event.stream = 2;
    event.stream_name = "web";
    event.position = {kStart + static_cast<std::int64_t>(at_) * apart_ms_, 9, 0};
    event.ingestion_ms = kStart + 60'000;
    event.message = lines_[at_++];
    ++events;
    visit(event);
    return true;
  }
  void ignore_before(std::int64_t) override {}

 private:
  std::vector<std::string> lines_;
  std::int64_t apart_ms_;
  std::size_t at_ = 0;
};

struct Answer {
  std::vector<std::string> columns;
  std::vector<ResultRow> rows;
  Figures figures;
  std::string error;

  // "a=1 b=2; a=3": fields that are absent, and @ptr, left out.
  std::string text() const {
    if (!error.empty()) return error;
    std::string out;
    for (const ResultRow& row : rows) {
      if (&row != &rows.front()) out += "; ";
      std::string line;
      for (std::size_t i = 0; i < row.size(); ++i) {
        if (!row[i] || columns[i] == "@ptr") continue;
        if (!line.empty()) line += ' ';
        line += columns[i] + "=" + *row[i];
      }
      out += line;
    }
    return out;
  }
};

inline Answer ask(std::string_view query, std::vector<std::string> lines,
                  std::int64_t apart_ms = 1000, std::size_t memory = 64 << 20) {
  Answer answer;
  auto plan = Plan::make(query, {kMostRows, kStart});
  if (!plan) {
    answer.error = plan.error().message;
    return answer;
  }
  QueryRun run(std::move(*plan), std::make_unique<Lines>(std::move(lines), apart_ms), {"1:/g"}, {1},
               memory);
  for (bool more = true; more;) {
    auto step = run.step(std::chrono::steady_clock::now() + std::chrono::seconds(1));
    if (!step) {
      answer.error = step.error().message;
      return answer;
    }
    more = *step;
  }
  answer.columns = run.columns();
  answer.rows = std::move(run.rows());
  answer.figures = run.figures();
  return answer;
}

}  // namespace landfall::logs::insights::testing
