// The samples of all metrics, in RocksDB: for every series (metric and unit) buckets by the second
// (high resolution, 3 hours), the minute (15 days), five minutes (63 days) and the hour (455 days).
// A sample goes into all of them when it comes, so nothing has to be rolled up later and late
// samples are right at once; RocksDB merges the buckets, and drops old ones when it rewrites its
// files.
//
// All members are called on the loop's thread, which owns the list of series.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include "base/record.h"
#include "io/loop.h"
#include "services/cloudwatch/engine/statistic.h"
#include "services/cloudwatch/port.h"

namespace landfall::cloudwatch {

struct Series {
  std::int64_t id = 0;
  std::string account;
  std::string region;
  std::string space;
  std::string name;
  std::map<std::string, std::string> dimensions;
  std::string unit;
  // The newest sample's time; on disk up to ten minutes behind.
  std::int64_t last_s = 0;
  std::int64_t last_kept_s = 0;
};
LF_RECORD(Series, id, account, region, space, name, dimensions, unit, last_s)

// What is read: periods of `period_s` from `from_s` on, `count` of them.
struct Window {
  std::int64_t from_s = 0;
  std::int64_t period_s = 60;
  std::size_t count = 0;
};

class MetricStore {
 public:
  using Units = std::map<std::string, Series>;  // by unit
  using Metrics = std::map<MetricKey, Units>;
  using OnData = std::function<void(const Scope&, const MetricKey&)>;

  // Errors: "metrics-corrupt", "metrics-failed".
  static Result<std::unique_ptr<MetricStore>> open(io::Loop& loop, const Clock& clock,
                                                   const std::filesystem::path& folder);
  ~MetricStore();

  // As Port::put; on_data is called for every metric once its samples are on disk.
  task<Result<void>> put(Scope scope, std::vector<Sample> samples);
  void on_data(OnData call);

  // One bucket a period, empty where there is nothing. unit empty: every unit together.
  std::vector<Bucket> read(const Scope& scope, const MetricKey& metric, const std::string& unit,
                           const Window& window) const;
  // The units that the metric has come in.
  std::vector<std::string> units(const Scope& scope, const MetricKey& metric) const;
  const Metrics& metrics(const Scope& scope) const;

  // Forgets series without a sample in the longest retention.
  task<Result<void>> sweep();

 private:
  struct Parts;
  explicit MetricStore(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace landfall::cloudwatch
