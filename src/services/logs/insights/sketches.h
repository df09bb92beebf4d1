// Percentiles and distinct counts in bounded memory: exact while there is little, then close.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace landfall::logs::insights {

// Percentiles: all values up to kExact of them, then buckets of 1 % width (as DDSketch has them).
class Percentiles {
 public:
  void add(double value);
  // Between the two nearest values while they are all kept; `percent` is 0 to 100.
  std::optional<double> at(double percent);
  std::size_t bytes() const;

 private:
  static constexpr std::size_t kExact = 4096;
  void to_bucket(double value);
  std::vector<double> values_;
  bool exact_ = true;
  std::int64_t count_ = 0;
  std::map<int, std::int64_t> buckets_;  // by magnitude: negative below, 0 for zero
};

// How many different texts: all of them up to kExact, then HyperLogLog with an error of about 1 %.
class DistinctCount {
 public:
  void add(std::string_view text);
  double count() const;
  std::size_t bytes() const;

 private:
  static constexpr std::size_t kExact = 4096;
  static constexpr unsigned kBits = 14;
  void to_register(std::uint64_t hash);
  std::unordered_set<std::uint64_t> hashes_;
  std::vector<std::uint8_t> registers_;  // empty while exact
};

}  // namespace landfall::logs::insights
