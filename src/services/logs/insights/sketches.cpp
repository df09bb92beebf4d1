#include "services/logs/insights/sketches.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace landfall::logs::insights {

namespace {

// A bucket reaches from gamma^(i-1) to gamma^i.
const double kLogGamma = std::log(1.01);
// Smaller sizes count as zero; what is between, at either sign, has less than 150,000 buckets.
constexpr double kLeast = 1e-9;

int bucket_of(double value) {
  if (std::abs(value) < kLeast) return 0;
  const int size = static_cast<int>(std::ceil(std::log(std::abs(value) / kLeast) / kLogGamma)) + 1;
  return value < 0 ? -size : size;
}

double middle_of(int bucket) {
  if (bucket == 0) return 0;
  const double size = kLeast * std::exp((std::abs(bucket) - 1.5) * kLogGamma);
  return bucket < 0 ? -size : size;
}

// FNV-1a with a final mix; what matters is that all bits change.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
  hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
  return hash ^ (hash >> 33);
}

}  // namespace

void Percentiles::add(double value) {
  ++count_;
  if (!exact_) return to_bucket(value);
  values_.push_back(value);
  if (values_.size() <= kExact) return;
  exact_ = false;
  for (const double kept : values_) to_bucket(kept);
  values_ = {};
}

void Percentiles::to_bucket(double value) { ++buckets_[bucket_of(value)]; }

std::optional<double> Percentiles::at(double percent) {
  if (count_ == 0) return {};
  const double rank = std::clamp(percent, 0.0, 100.0) / 100 * static_cast<double>(count_ - 1);
  if (exact_) {
    std::sort(values_.begin(), values_.end());
    const auto below = static_cast<std::size_t>(rank);
    const std::size_t above = std::min(below + 1, values_.size() - 1);
    return values_[below] + (rank - static_cast<double>(below)) * (values_[above] - values_[below]);
  }
  std::int64_t seen = 0;
  for (const auto& [bucket, count] : buckets_) {
    seen += count;
    if (static_cast<double>(seen) > rank) return middle_of(bucket);
  }
  return middle_of(buckets_.rbegin()->first);
}

std::size_t Percentiles::bytes() const {
  return sizeof *this + values_.capacity() * sizeof(double) + buckets_.size() * 64;
}

void DistinctCount::add(std::string_view text) {
  const std::uint64_t hash = hash_of(text);
  if (!registers_.empty()) return to_register(hash);
  hashes_.insert(hash);
  if (hashes_.size() <= kExact) return;
  registers_.resize(std::size_t{1} << kBits);
  for (const std::uint64_t kept : hashes_) to_register(kept);
  hashes_ = {};
}

void DistinctCount::to_register(std::uint64_t hash) {
  std::uint8_t& most = registers_[hash >> (64 - kBits)];
  // A bit below the others ends the count.
  const std::uint64_t rest = (hash << kBits) | (std::uint64_t{1} << (kBits - 1));
  most = std::max(most, static_cast<std::uint8_t>(std::countl_zero(rest) + 1));
}

double DistinctCount::count() const {
  if (registers_.empty()) return static_cast<double>(hashes_.size());
  const auto many = static_cast<double>(registers_.size());
  double sum = 0;
  double zeros = 0;
  for (const std::uint8_t one : registers_) {
    sum += std::ldexp(1.0, -one);
    zeros += one == 0;
  }
  const double estimate = 0.7213 / (1 + 1.079 / many) * many * many / sum;
  if (estimate <= 2.5 * many && zeros > 0) return std::round(many * std::log(many / zeros));
  return std::round(estimate);
}

std::size_t DistinctCount::bytes() const {
  return sizeof *this + hashes_.size() * 32 + registers_.size();
}

}  // namespace landfall::logs::insights
