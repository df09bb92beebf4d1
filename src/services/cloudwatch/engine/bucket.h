// What is kept of a metric for one period of time: all samples of a second, a minute, five minutes
// or an hour, put together. Buckets of neighbouring periods make the bucket of a longer one.
#pragma once

#include <limits>

#include "services/cloudwatch/engine/distribution.h"

namespace landfall::cloudwatch {

struct Bucket {
  double count = 0;
  double sum = 0;
  double minimum = std::numeric_limits<double>::infinity();
  double maximum = -std::numeric_limits<double>::infinity();
  // Every sample is in the distribution. Statistic sets say nothing of theirs: with one of them the
  // bucket has no percentiles.
  bool distributed = true;
  Distribution distribution = {};

  bool empty() const { return count == 0; }
  void add(double value, double times);
  void add_summary(double samples, double total, double least, double most);
  void merge(const Bucket& other);

  std::string encode() const;
  static bool decode(std::string_view from, Bucket& out);
};

}  // namespace landfall::cloudwatch
