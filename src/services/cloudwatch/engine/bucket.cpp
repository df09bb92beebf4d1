#include "services/cloudwatch/engine/bucket.h"

#include <algorithm>

#include "services/cloudwatch/engine/doubles.h"

namespace landfall::cloudwatch {
namespace {

constexpr char kForm = 1;

}  // namespace

void Bucket::add(double value, double times) {
  if (!(times > 0)) return;
  count += times;
  sum += value * times;
  minimum = std::min(minimum, value);
  maximum = std::max(maximum, value);
  if (distributed) distribution.add(value, times);
}

void Bucket::add_summary(double samples, double total, double least, double most) {
  if (!(samples > 0)) return;
  // A set of one sample, or of equal ones, tells its distribution.
  if (samples == 1 || least == most) return add(samples == 1 ? total : least, samples);
  count += samples;
  sum += total;
  minimum = std::min(minimum, least);
  maximum = std::max(maximum, most);
  distributed = false;
  distribution = {};
}

void Bucket::merge(const Bucket& other) {
  if (other.empty()) return;
  count += other.count;
  sum += other.sum;
  minimum = std::min(minimum, other.minimum);
  maximum = std::max(maximum, other.maximum);
  distributed = distributed && other.distributed;
  if (distributed) {
    distribution.merge(other.distribution);
  } else {
    distribution = {};
  }
}

std::string Bucket::encode() const {
  std::string out;
  out += kForm;
  out += static_cast<char>(distributed ? 1 : 0);
  for (const double number : {count, sum, minimum, maximum}) put_double(number, out);
  if (distributed) distribution.encode(out);
  return out;
}

bool Bucket::decode(std::string_view from, Bucket& out) {
  if (from.size() < 2 || from[0] != kForm) return false;
  out.distributed = from[1] != 0;
  from.remove_prefix(2);
  for (double* number : {&out.count, &out.sum, &out.minimum, &out.maximum}) {
    if (!take_double(from, *number)) return false;
  }
  return !out.distributed || out.distribution.decode(from);
}

}  // namespace landfall::cloudwatch
