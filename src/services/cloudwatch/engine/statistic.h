// Statistics by name: "Average", "p99.9", "tm90", "TM(10%:90%)", "PR(100:500)", "IQM".
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
#pragma once

#include <optional>
#include <string_view>

#include "services/cloudwatch/engine/bucket.h"

namespace landfall::cloudwatch {

class Statistic {
 public:
  // None: there is no such statistic.
  static std::optional<Statistic> parse(std::string_view text);
  bool simple() const { return kind_ <= Kind::maximum; }
  // The percentile that is asked for, when it is one: 99.9.
  std::optional<double> percentile() const;
  // None: no samples (in the range), or no distribution where one is needed.
  std::optional<double> of(const Bucket& bucket) const;

 private:
  enum class Kind {
    sample_count,
    average,
    sum,
    minimum,
    maximum,
    percentile,
    trimmed_mean,
    winsorized_mean,
    trimmed_count,
    trimmed_sum,
    percentile_rank
  };
  static std::optional<Statistic> parse_simple(std::string_view text);
  bool parse_range(std::string_view text);
  std::optional<double> of_range(const Bucket& bucket) const;

  Kind kind_ = Kind::average;
  // Percent of the samples, or values where `absolute_`.
  double low_ = 0;
  double high_ = 100;
  bool absolute_ = false;
};

}  // namespace landfall::cloudwatch
