// MetricDataQueries: checked, and answered from the samples. GetMetricData and the alarms on
// expressions use them.
#pragma once

#include "services/cloudwatch/math/evaluate.h"
#include "services/cloudwatch/service.h"

namespace landfall::cloudwatch {

struct QueryResult {
  std::string id;
  math::TimeSeries series;  // its label is the answer's
  std::string error = {};   // a problem of this query alone
};

class MetricQueries {
 public:
  // Error ValidationError. `parameter` names the list in messages: "MetricDataQueries", "Metrics".
  static Result<MetricQueries> prepare(const Scope& scope, std::vector<MetricDataQuery> queries,
                                       std::string_view parameter);
  // Of those that return data, in the order asked for. Error ValidationError: an expression that
  // cannot be computed.
  Result<std::vector<QueryResult>> run(const MetricStore& store, std::int64_t from_s,
                                       std::int64_t to_s) const;
  // Whether an expression searches: what an alarm watches must not change by itself.
  bool searches() const;
  // The one that an alarm watches.
  std::size_t returned() const;
  std::int64_t longest_period_s() const { return longest_period_s_; }
  std::vector<MetricKey> metrics() const;

 private:
  struct Prepared {
    MetricDataQuery query;
    std::optional<Statistic> statistic;
    std::optional<math::Expression> expression;
    MetricKey metric;
    std::int64_t period_s = 0;
  };
  struct Run;
  const Prepared* find(const std::string& id) const;
  Result<math::Array> search(const Run& run, const std::string& text, const std::string& statistic,
                             const math::Frame& frame, std::int64_t period_s) const;
  Result<math::Value> compute(Run& run, const Prepared& query) const;

  Scope scope_;
  std::vector<Prepared> queries_;
  std::int64_t longest_period_s_ = 0;
};

MetricKey key_of(const std::string& space, const std::string& name,
                 const wire::List<Dimension>& dimensions);
// 1, 5, 10, 20, 30 or a multiple of 60.
bool valid_period(std::int64_t period_s);

}  // namespace landfall::cloudwatch
