#include "services/cloudwatch/engine/statistic.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace landfall::cloudwatch {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

bool number_of(std::string_view text, double& out) {
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), out, std::chars_format::fixed);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

// The smallest value that is not below `percent` of the samples.
double percentile_of(const Distribution& distribution, double percent) {
  const double rank = percent / 100 * distribution.count();
  double before = 0;
  for (const auto& entry : distribution.entries()) {
    before += entry.count;
    // Counts of many periods add up with a rounding error.
    if (before >= rank - 1e-9 * before) return entry.value;
  }
  return distribution.entries().back().value;
}

char lower(char c) { return char(std::tolower(static_cast<unsigned char>(c))); }

}  // namespace

std::optional<Statistic> Statistic::parse_simple(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, Kind>, 5> kNames{
      {{"SampleCount", Kind::sample_count},
       {"Average", Kind::average},
       {"Sum", Kind::sum},
       {"Minimum", Kind::minimum},
       {"Maximum", Kind::maximum}}};
  const auto found = std::ranges::find(kNames, text, &std::pair<std::string_view, Kind>::first);
  if (found == kNames.end()) return {};
  Statistic out;
  out.kind_ = found->second;
  return out;
}

std::optional<Statistic> Statistic::parse(std::string_view text) {
  if (auto simple = parse_simple(text)) return simple;
  Statistic out;
  if (text == "IQM" || text == "iqm") {
    out.kind_ = Kind::trimmed_mean;
    out.low_ = 25;
    out.high_ = 75;
    return out;
  }
  static constexpr std::array<std::pair<std::string_view, Kind>, 5> kRanges{
      {{"tm", Kind::trimmed_mean},
       {"wm", Kind::winsorized_mean},
       {"tc", Kind::trimmed_count},
       {"ts", Kind::trimmed_sum},
       {"pr", Kind::percentile_rank}}};
  for (const auto& [name, kind] : kRanges) {
    if (text.size() < 3 || lower(text[0]) != name[0] || lower(text[1]) != name[1]) continue;
    out.kind_ = kind;
    std::string_view rest = text.substr(2);
    if (rest.starts_with('(') && rest.ends_with(')')) {
      if (!out.parse_range(rest.substr(1, rest.size() - 2))) return {};
      if (kind == Kind::percentile_rank && !out.absolute_) return {};
      return out;
    }
    if (kind == Kind::percentile_rank || !number_of(rest, out.high_) || out.high_ < 0 ||
        out.high_ > 100) {
      return {};
    }
    return out;
  }
  if (text.size() < 2 || lower(text[0]) != 'p' || !number_of(text.substr(1), out.high_)) return {};
  if (out.high_ < 0 || out.high_ > 100) return {};
  out.kind_ = Kind::percentile;
  return out;
}

// "10%:90%", ":90%", "2:500", ":500".
bool Statistic::parse_range(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == text.npos) return false;
  std::string_view low = text.substr(0, colon);
  std::string_view high = text.substr(colon + 1);
  const bool percent = low.ends_with('%') || high.ends_with('%');
  if (low.empty() && high.empty()) return false;
  absolute_ = !percent;
  low_ = percent ? 0 : -kInfinity;
  high_ = percent ? 100 : kInfinity;
  const auto bound = [&](std::string_view from, double& out) {
    if (from.empty()) return true;
    if (from.ends_with('%') != percent) return false;
    if (percent) from.remove_suffix(1);
    return number_of(from, out) && (!percent || (out >= 0 && out <= 100));
  };
  return bound(low, low_) && bound(high, high_) && low_ < high_;
}

std::optional<double> Statistic::percentile() const {
  return kind_ == Kind::percentile ? std::optional(high_) : std::nullopt;
}

std::optional<double> Statistic::of(const Bucket& bucket) const {
  if (bucket.empty()) return {};
  switch (kind_) {
    case Kind::sample_count:
      return bucket.count;
    case Kind::average:
      return bucket.sum / bucket.count;
    case Kind::sum:
      return bucket.sum;
    case Kind::minimum:
      return bucket.minimum;
    case Kind::maximum:
      return bucket.maximum;
    default:
      break;
  }
  if (!bucket.distributed || bucket.distribution.entries().empty()) return {};
  if (kind_ != Kind::percentile) return of_range(bucket);
  // The ends are known exactly.
  if (high_ == 0) return bucket.minimum;
  if (high_ == 100) return bucket.maximum;
  return std::clamp(percentile_of(bucket.distribution, high_), bucket.minimum, bucket.maximum);
}

std::optional<double> Statistic::of_range(const Bucket& bucket) const {
  const Distribution& all = bucket.distribution;
  const double total = all.count();
  // By rank: the share of each value's samples that lies between the two ranks.
  const double from = absolute_ ? 0 : low_ / 100 * total;
  const double to = absolute_ ? total : high_ / 100 * total;
  double before = 0, count = 0, sum = 0;
  for (const auto& entry : all.entries()) {
    const double inside = std::min(before + entry.count, to) - std::max(before, from);
    before += entry.count;
    if (absolute_ ? !(entry.value > low_ && entry.value <= high_) : inside <= 0) continue;
    const double counted = absolute_ ? entry.count : inside;
    count += counted;
    sum += entry.value * counted;
  }
  switch (kind_) {
    case Kind::percentile_rank:
      return 100 * count / total;
    case Kind::trimmed_count:
      return count;
    case Kind::trimmed_sum:
      return sum;
    case Kind::trimmed_mean:
      return count > 0 ? std::optional(sum / count) : std::nullopt;
    default: {
      const double least = absolute_ ? low_ : percentile_of(all, low_);
      const double most = absolute_ ? high_ : percentile_of(all, high_);
      double clamped = 0;
      for (const auto& entry : all.entries())
        clamped += std::clamp(entry.value, least, most) * entry.count;
      return clamped / total;
    }
  }
}

}  // namespace landfall::cloudwatch
