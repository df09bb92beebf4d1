// Counters that one thread writes and any thread reads, without locked instructions.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>
#include <string_view>

namespace landfall::proxy {

class Counter {
 public:
  void add(std::uint64_t by = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  std::uint64_t read() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// The CloudWatch names of a load balancer's counters, in the order of their values.
enum class Count : std::uint8_t {
  requests,
  new_connections,
  closed_connections,
  rejected_connections,
  processed_bytes,
  rule_evaluations,
  elb_3xx,
  elb_4xx,
  elb_5xx,
  elb_500,
  elb_502,
  elb_503,
  elb_504,
  target_2xx,
  target_3xx,
  target_4xx,
  target_5xx,
  fixed_responses,
  redirects,
  redirect_url_limit_exceeded,
  target_connection_errors,
  target_tls_errors,
  client_tls_errors,
  non_sticky_requests,
  grpc_requests,
  desync_non_compliant,
  dropped_invalid_header,
  forwarded_invalid_header,
  unhealthy_routing_requests,
  client_resets,
  target_resets,
  balancer_resets,
  auth_errors,
  auth_failures,
  auth_successes,
  auth_refreshes,
  auth_claims_too_large,
  last,
};
std::string_view count_name(Count count);

// Samples by quarter powers of two in microseconds.
class Histogram {
 public:
  static constexpr std::size_t kBuckets = 112;  // up to 2^28 us, four and a half minutes
  void record(std::uint64_t microseconds) {
    count_.add();
    sum_.add(microseconds);
    buckets_[bucket_of(microseconds)].add();
  }
  static std::size_t bucket_of(std::uint64_t us) {
    if (us < 1) us = 1;
    const int log = 63 - std::countl_zero(us);
    // The two bits behind the leading one choose the quarter; close enough to 2^(i/4).
    const std::uint64_t quarter = log >= 2 ? (us >> (log - 2)) & 3 : (us << (2 - log)) & 3;
    const std::size_t bucket = static_cast<std::size_t>(log) * 4 + quarter;
    return bucket < kBuckets ? bucket : kBuckets - 1;
  }
  std::uint64_t count() const { return count_.read(); }
  std::uint64_t sum_microseconds() const { return sum_.read(); }
  std::uint64_t bucket(std::size_t i) const { return buckets_[i].read(); }

 private:
  Counter count_, sum_;
  std::array<Counter, kBuckets> buckets_;
};

// One thread's share.
struct alignas(64) Counters {
  std::array<Counter, static_cast<std::size_t>(Count::last)> values;
  Histogram response_time;
  Histogram auth_time;
  void add(Count which, std::uint64_t by = 1) { values[static_cast<std::size_t>(which)].add(by); }
};

// What a load balancer, or one of its target groups, has done: by worker and by availability zone.
// A worker makes its part for a zone when it first needs it, and is the only one to write there.
class Tally {
 public:
  static constexpr unsigned kZones = 8;  // a region has six at most

  explicit Tally(unsigned threads);
  ~Tally();
  Tally(const Tally&) = delete;

  Counters& at(unsigned thread, unsigned zone) {
    std::atomic<Counters*>& part = parts_[thread * kZones + zone];
    Counters* found = part.load(std::memory_order_relaxed);
    return found != nullptr ? *found : make(part);
  }
  // Null: nothing was counted there.
  const Counters* find(unsigned thread, unsigned zone) const {
    return parts_[thread * kZones + zone].load(std::memory_order_acquire);
  }
  unsigned threads() const { return threads_; }

 private:
  static Counters& make(std::atomic<Counters*>& part);

  const unsigned threads_;
  std::unique_ptr<std::atomic<Counters*>[]> parts_;
};

}  // namespace landfall::proxy
