// Which values came how often: exact while there are few, then by bands of equal relative width, so
// that a percentile is off by 1.1 % at most unless the values span more than a factor of a
// thousand.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace landfall::cloudwatch {

class Distribution {
 public:
  // By value, each once.
  struct Entry {
    double value;
    double count;
  };

  void add(double value, double count);
  void merge(const Distribution& other);
  const std::vector<Entry>& entries() const { return entries_; }
  double count() const;

  // Appends, and takes from the front of `from`; false when damaged.
  void encode(std::string& out) const;
  bool decode(std::string_view& from);

 private:
  void bound();
  void coarsen(int scale);

  static constexpr int kExact = 127;
  // 2^scale bands for every doubling.
  int scale_ = kExact;
  std::vector<Entry> entries_;
};

}  // namespace landfall::cloudwatch
