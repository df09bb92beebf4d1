#include "services/cloudwatch/engine/distribution.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "services/cloudwatch/engine/doubles.h"

namespace landfall::cloudwatch {
namespace {

constexpr std::size_t kMostExact = 64;
constexpr std::size_t kMostBands = 320;
constexpr int kFinest = 5;
constexpr int kCoarsest = -4;
// Values lie within 2^-1074 .. 2^360.
constexpr std::int64_t kOctaves = 1100;

// The number of a value's band: in the order of the values, 0 for zero.
std::int64_t band_of(double value, int scale) {
  if (value == 0) return 0;
  const double bands = std::exp2(scale);
  const auto index = std::int64_t(std::floor(std::log2(std::abs(value)) * bands)) +
                     std::int64_t(std::ceil(double(kOctaves) * bands)) + 1;
  return value > 0 ? index : -index;
}

// The middle of the band, so that it lies in the same band whatever the rounding.
double middle_of(std::int64_t band, int scale) {
  if (band == 0) return 0;
  const double bands = std::exp2(scale);
  const double index =
      double(std::abs(band) - 1 - std::int64_t(std::ceil(double(kOctaves) * bands)));
  const double value = std::exp2((index + 0.5) / bands);
  return band > 0 ? value : -value;
}

void put_varint(std::uint64_t number, std::string& out) {
  for (; number >= 0x80; number >>= 7) out += static_cast<char>((number & 0x7f) | 0x80);
  out += static_cast<char>(number);
}

bool take_varint(std::string_view& from, std::uint64_t& out) {
  out = 0;
  for (int shift = 0; shift < 64 && !from.empty(); shift += 7) {
    const auto byte = static_cast<std::uint8_t>(from.front());
    from.remove_prefix(1);
    out |= std::uint64_t(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

// Whole counts, which nearly all are, take a byte.
void put_count(double count, std::string& out) {
  const bool whole = count == std::floor(count) && count >= 0 && count < 9e15;
  put_varint(whole ? std::uint64_t(count) << 1 : 1, out);
  if (!whole) put_double(count, out);
}

bool take_count(std::string_view& from, double& out) {
  std::uint64_t number = 0;
  if (!take_varint(from, number)) return false;
  if (number & 1) return take_double(from, out);
  out = double(number >> 1);
  return true;
}

}  // namespace

double Distribution::count() const {
  double sum = 0;
  for (const Entry& entry : entries_) sum += entry.count;
  return sum;
}

void Distribution::add(double value, double count) {
  if (count <= 0) return;
  if (scale_ != kExact) value = middle_of(band_of(value, scale_), scale_);
  const auto at = std::ranges::lower_bound(entries_, value, {}, &Entry::value);
  if (at != entries_.end() && at->value == value) {
    at->count += count;
    return;
  }
  entries_.insert(at, {value, count});
  bound();
}

void Distribution::merge(const Distribution& other) {
  if (other.entries_.empty()) return;
  Distribution theirs = other;
  const int scale = std::min(scale_, theirs.scale_);
  coarsen(scale);
  theirs.coarsen(scale);
  std::vector<Entry> both;
  both.reserve(entries_.size() + theirs.entries_.size());
  std::ranges::merge(entries_, theirs.entries_, std::back_inserter(both), {}, &Entry::value,
                     &Entry::value);
  entries_.clear();
  for (const Entry& entry : both) {
    if (!entries_.empty() && entries_.back().value == entry.value) {
      entries_.back().count += entry.count;
    } else {
      entries_.push_back(entry);
    }
  }
  bound();
}

void Distribution::bound() {
  if (scale_ == kExact && entries_.size() > kMostExact) coarsen(kFinest);
  while (entries_.size() > kMostBands && scale_ > kCoarsest) coarsen(scale_ - 1);
}

void Distribution::coarsen(int scale) {
  if (scale >= scale_) return;
  scale_ = scale;
  std::vector<Entry> bands;
  for (const Entry& entry : entries_) {
    const double value = middle_of(band_of(entry.value, scale), scale);
    if (!bands.empty() && bands.back().value == value) {
      bands.back().count += entry.count;
    } else {
      bands.push_back({value, entry.count});
    }
  }
  entries_ = std::move(bands);
}

void Distribution::encode(std::string& out) const {
  out += static_cast<char>(scale_);
  put_varint(entries_.size(), out);
  std::int64_t before = 0;
  bool first = true;
  for (const Entry& entry : entries_) {
    if (scale_ == kExact) {
      put_double(entry.value, out);
    } else {
      const std::int64_t band = band_of(entry.value, scale_);
      // Bands rise; only the first may be below zero.
      const std::int64_t step = band - before;
      put_varint(
          first ? (std::uint64_t(step) << 1) ^ std::uint64_t(step >> 63) : std::uint64_t(step),
          out);
      before = band;
      first = false;
    }
    put_count(entry.count, out);
  }
}

bool Distribution::decode(std::string_view& from) {
  entries_.clear();
  if (from.empty()) return false;
  scale_ = static_cast<signed char>(from.front());
  from.remove_prefix(1);
  std::uint64_t size = 0;
  if (!take_varint(from, size) || size > kMostBands || scale_ < kCoarsest ||
      (scale_ > kFinest && scale_ != kExact)) {
    return false;
  }
  std::int64_t band = 0;
  for (std::uint64_t i = 0; i < size; ++i) {
    Entry entry{};
    if (scale_ == kExact) {
      if (!take_double(from, entry.value)) return false;
    } else {
      std::uint64_t step = 0;
      if (!take_varint(from, step)) return false;
      band += i == 0 ? std::int64_t(step >> 1) ^ -std::int64_t(step & 1) : std::int64_t(step);
      entry.value = middle_of(band, scale_);
    }
    if (!take_count(from, entry.count)) return false;
    entries_.push_back(entry);
  }
  return true;
}

}  // namespace landfall::cloudwatch
