// Counters of API calls, read at /_landfall/metrics in Prometheus' text form.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>

namespace landfall::gateway {

class Metrics {
 public:
  void count(const std::string& service, const std::string& operation, int status,
             std::int64_t microseconds);
  std::string text() const;

 private:
  // Names come from clients: past this many, new ones are counted together.
  static constexpr std::size_t kMostSeries = 4096;
  struct Series {
    std::uint64_t calls = 0;
    std::uint64_t microseconds = 0;
  };
  std::map<std::tuple<std::string, std::string, int>, Series> series_;
};

}  // namespace landfall::gateway
