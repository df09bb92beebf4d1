// The aggregation functions of stats.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Stats.html
#pragma once

#include <memory>

#include "services/logs/insights/expression.h"

namespace landfall::logs::insights {

// One aggregation of one group.
class Accumulator {
 public:
  virtual ~Accumulator() = default;
  // `order` puts rows in order of time.
  virtual void add(const Value& value, const Position& order, Arena& arena) = 0;
  // Texts are owned by the accumulator.
  virtual Value result() = 0;
  virtual std::size_t bytes() const = 0;
};

struct Aggregation {
  ExpressionPtr argument;  // null: count(*)
  std::unique_ptr<Accumulator> (*make)(double parameter) = nullptr;
  double parameter = 0;  // of pct
};

// Nothing when the function is no aggregation. `names` are those of the rows that come in.
Result<std::optional<Aggregation>> compile_aggregation(const Expr& call, Names& names,
                                                       std::string_view query);

}  // namespace landfall::logs::insights
