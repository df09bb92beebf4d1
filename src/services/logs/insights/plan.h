// From commands to stages: what every name means, and what is worth keeping.
#pragma once

#include <functional>

#include "services/logs/insights/stages.h"

namespace landfall::logs::insights {

struct PlanSettings {
  std::size_t limit = kMostRows;  // where the query has no limit of its own
  std::int64_t now_ms = 0;
};

class Plan {
 public:
  // Error MalformedQueryException with the place.
  static Result<Plan> make(std::string_view query, const PlanSettings& settings);
  Plan(Plan&&) noexcept;
  Plan& operator=(Plan&&) noexcept;
  ~Plan();

  // Once. What is passed, and the plan, must outlive the stages.
  StagePtr build(std::vector<ResultRow>& rows, std::int64_t& matched, Budget& budget);

  const Layout& event_layout() const { return *layouts_.front(); }
  const std::vector<std::string>& columns() const { return columns_; }
  // A text without which no message matters; may be empty.
  const std::string& required() const { return required_; }
  // The result is the latest events: reading them first may spare the rest.
  bool latest_first() const { return latest_first_; }

 private:
  friend class Planner;
  Plan();
  std::vector<std::unique_ptr<Layout>> layouts_;
  using MakeStage = std::function<StagePtr(StagePtr next, std::int64_t& matched, Budget& budget)>;
  std::vector<MakeStage> steps_;
  std::vector<std::string> columns_;
  std::vector<std::size_t> column_slots_;
  std::string required_;
  bool latest_first_ = false;
};

}  // namespace landfall::logs::insights
