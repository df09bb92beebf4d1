// One CloudWatch sample of a load balancer or target group.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/ids.h"

namespace landfall::elbv2 {

struct MetricSample {
  Scope scope;
  std::string space;  // "AWS/ApplicationELB"
  std::string name;   // "RequestCount"
  std::map<std::string, std::string> dimensions;
  std::string unit;  // "Count", "Seconds", "Bytes"
  double sample_count = 0;
  double sum = 0;
  double minimum = 0;
  double maximum = 0;
  // Times only, for percentiles: each value and how often it occurred. The statistics above are
  // exact but for minimum and maximum; the values are within a tenth.
  std::vector<std::pair<double, double>> values = {};
};

}  // namespace landfall::elbv2
