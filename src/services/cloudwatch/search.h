// Search expressions: metrics by what they are called.
//   {AWS/ECS, ClusterName, ServiceName} MetricName="CPUUtilization" AND (web OR api)
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html
#pragma once

#include <memory>

#include "services/cloudwatch/port.h"

namespace landfall::cloudwatch {

class MetricSearch {
 public:
  // Error "math" says what is wrong, and where.
  static Result<MetricSearch> parse(std::string_view text);
  bool matches(const MetricKey& metric) const;

  struct Term;

 private:
  std::string space_;                           // of the schema; empty: there is none
  std::vector<std::string> dimensions_;         // of the schema, sorted
  std::shared_ptr<const Term> term_ = nullptr;  // null: everything
};

}  // namespace landfall::cloudwatch
