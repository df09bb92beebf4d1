// Metric math expressions, parsed: "SUM(METRICS()) / m2 * 100".
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace landfall::cloudwatch::math {

struct Expression {
  enum class Kind { number, text, name, list, call, unary, binary };
  Kind kind = Kind::number;
  double number = 0;
  std::string text;  // a string's content, a name, a function in capitals, an operator
  std::vector<Expression> parts;
};

// Errors say what is wrong, without a code of the API: "math".
Result<Expression> parse(std::string_view text);
// Ids of other queries that the expression names, each once.
std::vector<std::string> names_in(const Expression& expression);

// The arguments of a call of SEARCH. Error "math".
struct SearchCall {
  std::string text;
  std::string statistic;
  std::int64_t period_s = 0;  // 0: not given
};
Result<SearchCall> search_of(const Expression& call);
// The calls of a function in the expression.
std::vector<const Expression*> calls_of(const Expression& expression, std::string_view function);

}  // namespace landfall::cloudwatch::math
