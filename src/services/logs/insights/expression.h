// Expressions, ready to be evaluated for row after row.
#pragma once

#include <memory>

#include "services/logs/insights/row.h"
#include "services/logs/insights/syntax.h"

namespace landfall::logs::insights {

class Expression {
 public:
  virtual ~Expression() = default;
  // The value lives as long as the row stays where it is.
  virtual Value evaluate(Row& row) const = 0;
};
using ExpressionPtr = std::unique_ptr<const Expression>;

// What the names in an expression mean: fields, and, in stats, aggregations.
class Names {
 public:
  virtual ~Names() = default;
  virtual Result<std::size_t> field(const std::string& name, Span where) = 0;
  // The slot of an aggregation's result; nothing when this is no aggregation.
  virtual Result<std::optional<std::size_t>> aggregate(const Expr&) { return std::nullopt; }
  // In milliseconds; what now() gives.
  virtual std::int64_t now_ms() const = 0;
};

// `query` is the text, for the places in errors.
Result<ExpressionPtr> compile(const Expr& expr, Names& names, std::string_view query);

// The longest text that a message must hold for `condition` to be true; empty: none is known.
std::string required_of_message(const Expr& condition);

}  // namespace landfall::logs::insights
