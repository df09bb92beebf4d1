// Computes an expression. Functions that AWS has and we do not (ANOMALY_DETECTION_BAND,
// INSIGHT_RULE_METRIC, ...) are errors that say so.
#pragma once

#include <functional>

#include "base/result.h"
#include "services/cloudwatch/math/expression.h"
#include "services/cloudwatch/math/value.h"

namespace landfall::cloudwatch::math {

struct Surroundings {
  Frame frame;
  // The result of another query. Error "math" when there is none of that id.
  std::function<Result<Value>(const std::string& id)> find;
  // METRICS(): the metrics of the request whose id contains `part`.
  std::function<Array(const std::string& part)> metrics;
  // PERIOD(m1): the period of the query, in seconds.
  std::function<std::int64_t(const std::string& id)> period;
  // SEARCH('...', 'Average', 300): the metrics that are called so. Period 0: the query's own.
  std::function<Result<Array>(const std::string& text, const std::string& statistic,
                              std::int64_t period_s)>
      search;
};

Result<Value> evaluate(const Expression& expression, const Surroundings& around);

}  // namespace landfall::cloudwatch::math
