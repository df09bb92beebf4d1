#include "services/cloudwatch/engine/metric_store.h"

#include <rocksdb/compaction_filter.h>
#include <rocksdb/merge_operator.h>

#include <cmath>

#include "base/log.h"
#include "store/rocks.h"

namespace landfall::cloudwatch {
namespace {

constexpr std::int64_t kHour = 3600;
constexpr std::int64_t kDay = 24 * kHour;
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html
struct Level {
  char name;
  std::int64_t period_s;
  std::int64_t retention_s;
};
constexpr Level kSeconds{'s', 1, 3 * kHour};
constexpr Level kMinutes{'m', 60, 15 * kDay};
constexpr Level kFives{'f', 300, 63 * kDay};
constexpr Level kHours{'h', 3600, 455 * kDay};
constexpr const Level* kLevels[] = {&kSeconds, &kMinutes, &kFives, &kHours};
// Rewriting a series' record with every sample would double the writing.
constexpr std::int64_t kRecordEvery_s = 600;
constexpr std::size_t kMostSeries = 500'000;
constexpr std::size_t kPointsFamily = 0;
constexpr std::size_t kSeriesFamily = 1;

// Big-endian, so that keys sort by number.
void put_number(std::string& key, std::uint64_t number) {
  for (int shift = 56; shift >= 0; shift -= 8) key += static_cast<char>(number >> shift & 0xff);
}

std::uint64_t number_at(std::string_view key, std::size_t offset) {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < 8; ++i) out = out << 8 | static_cast<std::uint8_t>(key[offset + i]);
  return out;
}

// level, series, time
std::string point_key(const Level& level, std::int64_t series, std::int64_t time_s) {
  std::string key(1, level.name);
  put_number(key, std::uint64_t(series));
  put_number(key, std::uint64_t(time_s));
  return key;
}
constexpr std::size_t kTimeOffset = 9;
constexpr std::size_t kPointKeyBytes = 17;

std::string series_key(std::int64_t id) {
  std::string key;
  put_number(key, std::uint64_t(id));
  return key;
}

std::int64_t floor_to(std::int64_t time_s, std::int64_t period_s) {
  return time_s - ((time_s % period_s) + period_s) % period_s;
}

class MergeBuckets final : public rocksdb::AssociativeMergeOperator {
 public:
  bool Merge(const rocksdb::Slice&, const rocksdb::Slice* held, const rocksdb::Slice& more,
             std::string* out, rocksdb::Logger*) const override {
    Bucket both;
    // What cannot be read gives way to what can.
    if (held && !Bucket::decode({held->data(), held->size()}, both)) both = {};
    Bucket added;
    if (Bucket::decode({more.data(), more.size()}, added)) both.merge(added);
    *out = both.encode();
    return true;
  }
  const char* Name() const override { return "landfall.cloudwatch.buckets"; }
};

// Drops buckets beyond their level's retention.
class Expiry final : public rocksdb::CompactionFilter {
 public:
  explicit Expiry(std::int64_t now_s) : now_s_(now_s) {}
  bool expired(std::string_view key) const {
    if (key.size() != kPointKeyBytes) return false;
    for (const Level* level : kLevels) {
      if (level->name == key[0])
        return std::int64_t(number_at(key, kTimeOffset)) < now_s_ - level->retention_s - kHour;
    }
    return false;
  }
  bool Filter(int, const rocksdb::Slice& key, const rocksdb::Slice&, std::string*,
              bool*) const override {
    return expired({key.data(), key.size()});
  }
  bool FilterMergeOperand(int, const rocksdb::Slice& key, const rocksdb::Slice&) const override {
    return expired({key.data(), key.size()});
  }
  const char* Name() const override { return "landfall.cloudwatch.expiry"; }

 private:
  std::int64_t now_s_;
};

class ExpiryFactory final : public rocksdb::CompactionFilterFactory {
 public:
  explicit ExpiryFactory(const Clock& clock) : clock_(clock) {}
  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context&) override {
    return std::make_unique<Expiry>(to_unix_ms(clock_.now()) / 1000);
  }
  const char* Name() const override { return "landfall.cloudwatch.expiry"; }

 private:
  const Clock& clock_;
};

// The coarsest level whose buckets make up the window's periods exactly.
const Level& level_for(const Window& window) {
  for (const Level* level : {&kHours, &kFives, &kMinutes}) {
    if (window.period_s % level->period_s == 0 && window.from_s % level->period_s == 0)
      return *level;
  }
  return kSeconds;
}

const MetricStore::Metrics kNoMetrics;

}  // namespace

struct MetricStore::Parts {
  io::Loop& loop;
  const Clock& clock;
  std::shared_ptr<store::Rocks> rocks;
  std::map<Scope, Metrics> scopes;
  std::size_t series = 0;
  std::int64_t next_id = 1;
  OnData on_data;
};

MetricStore::MetricStore(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
MetricStore::~MetricStore() = default;

void MetricStore::on_data(OnData call) { parts_->on_data = std::move(call); }

Result<std::unique_ptr<MetricStore>> MetricStore::open(io::Loop& loop, const Clock& clock,
                                                       const std::filesystem::path& folder) {
  store::RocksOptions options{
      .area = "metrics",
      .families = {{.name = "points",
                    .buffer_bytes = 16 << 20,
                    .merge = std::make_shared<MergeBuckets>(),
                    .filter = std::make_shared<ExpiryFactory>(clock),
                    .rewrite_s = std::uint64_t(kDay)},
                   {.name = "series"}},
  };
  LF_TRY(rocks, store::Rocks::open(loop, folder, std::move(options)));
  auto parts = std::make_unique<Parts>(Parts{loop, clock, std::move(rocks), {}, 0, 1, {}});
  const std::unique_ptr<rocksdb::Iterator> rows(
      parts->rocks->db().NewIterator({}, parts->rocks->family(kSeriesFamily)));
  for (rows->SeekToFirst(); rows->Valid(); rows->Next()) {
    auto series = record::from_text<Series>({rows->value().data(), rows->value().size()});
    if (!series) {
      log::error("metrics", "the record of a series cannot be read and is left out");
      continue;
    }
    series->last_kept_s = series->last_s;
    parts->next_id = std::max(parts->next_id, series->id + 1);
    ++parts->series;
    const MetricKey metric{series->space, series->name, series->dimensions};
    const std::string unit = series->unit;
    parts->scopes[{series->account, series->region}][metric].emplace(unit, std::move(*series));
  }
  if (!rows->status().ok())
    return std::unexpected(parts->rocks->error_of(rows->status(), "the list of metrics"));
  return std::unique_ptr<MetricStore>(new MetricStore(std::move(parts)));
}

task<Result<void>> MetricStore::put(Scope scope, std::vector<Sample> samples) {
  Parts& parts = *parts_;
  const std::int64_t now_s = to_unix_ms(parts.clock.now()) / 1000;
  // Samples of one series and time become one bucket before they are written.
  std::map<std::string, Bucket> points;
  std::map<std::int64_t, std::string> records;
  std::vector<MetricKey> touched;
  Metrics& metrics = parts.scopes[scope];
  for (Sample& sample : samples) {
    Bucket bucket;
    for (const auto& [value, count] : sample.values) {
      if (std::isfinite(value) && std::isfinite(count)) bucket.add(value, count);
    }
    if (const auto& set = sample.summary; set && std::isfinite(set->sum))
      bucket.add_summary(set->sample_count, set->sum, set->minimum, set->maximum);
    if (bucket.empty()) continue;
    Units& units = metrics[sample.metric];
    auto found = units.find(sample.unit);
    if (found == units.end()) {
      if (parts.series >= kMostSeries)
        co_return fail("metrics-full", fmt::format("there are {} metrics already", kMostSeries));
      ++parts.series;
      Series made{.id = parts.next_id++,
                  .account = scope.account,
                  .region = scope.region,
                  .space = sample.metric.space,
                  .name = sample.metric.name,
                  .dimensions = sample.metric.dimensions,
                  .unit = sample.unit};
      found = units.emplace(sample.unit, std::move(made)).first;
    }
    Series& series = found->second;
    const std::int64_t time_s = sample.time == TimePoint{} ? now_s : to_unix_ms(sample.time) / 1000;
    series.last_s = std::max(series.last_s, time_s);
    if (series.last_s >= series.last_kept_s + kRecordEvery_s) {
      series.last_kept_s = series.last_s;
      records[series.id] = record::to_text(series);
    }
    for (const Level* level : kLevels) {
      if (level == &kSeconds && !sample.high_resolution) continue;
      points[point_key(*level, series.id, floor_to(time_s, level->period_s))].merge(bucket);
    }
    touched.push_back(std::move(sample.metric));
  }
  if (points.empty()) co_return Result<void>();
  constexpr std::size_t kPointBytes = 100;  // about
  const std::size_t bytes = points.size() * kPointBytes + records.size() * 4 * kPointBytes;
  auto written = co_await parts.rocks->write(
      [rocks = parts.rocks.get(), points = std::move(points),
       records = std::move(records)](rocksdb::WriteBatch& batch) {
        for (const auto& [key, bucket] : points) {
          batch.Merge(rocks->family(kPointsFamily), key, bucket.encode());
        }
        for (const auto& [id, text] : records) {
          batch.Put(rocks->family(kSeriesFamily), series_key(id), text);
        }
      },
      bytes);
  if (!written) {
    // Their records may not be on disk: they are written again with the next sample.
    for (const MetricKey& metric : touched) {
      const auto known = parts.scopes[scope].find(metric);
      if (known == parts.scopes[scope].end()) continue;
      for (auto& [unit, series] : known->second) series.last_kept_s = 0;
    }
    co_return written;
  }
  if (parts.on_data) {
    for (const MetricKey& metric : touched) parts.on_data(scope, metric);
  }
  co_return Result<void>();
}

std::vector<Bucket> MetricStore::read(const Scope& scope, const MetricKey& metric,
                                      const std::string& unit, const Window& window) const {
  std::vector<Bucket> out(window.count);
  const Metrics& all = metrics(scope);
  const auto found = all.find(metric);
  if (found == all.end() || window.count == 0) return out;
  const Level& level = level_for(window);
  const std::int64_t oldest_s = to_unix_ms(parts_->clock.now()) / 1000 - level.retention_s;
  const std::int64_t end_s = window.from_s + std::int64_t(window.count) * window.period_s;
  for (const auto& [name, series] : found->second) {
    if (!unit.empty() && name != unit) continue;
    const std::string end = point_key(level, series.id, end_s);
    const rocksdb::Slice upper(end);
    rocksdb::ReadOptions options;
    options.iterate_upper_bound = &upper;
    const std::unique_ptr<rocksdb::Iterator> rows(
        parts_->rocks->db().NewIterator(options, parts_->rocks->family(kPointsFamily)));
    const std::int64_t start_s = std::max({window.from_s, oldest_s, std::int64_t(0)});
    for (rows->Seek(point_key(level, series.id, start_s)); rows->Valid(); rows->Next()) {
      const std::string_view key(rows->key().data(), rows->key().size());
      if (key.size() != kPointKeyBytes) continue;
      const std::int64_t time_s = std::int64_t(number_at(key, kTimeOffset));
      Bucket bucket;
      if (time_s < window.from_s || time_s >= end_s ||
          !Bucket::decode({rows->value().data(), rows->value().size()}, bucket)) {
        continue;
      }
      out[std::size_t((time_s - window.from_s) / window.period_s)].merge(bucket);
    }
    if (!rows->status().ok())
      log::error("metrics", "reading a metric: {}", rows->status().ToString());
  }
  return out;
}

std::vector<std::string> MetricStore::units(const Scope& scope, const MetricKey& metric) const {
  std::vector<std::string> out;
  const Metrics& all = metrics(scope);
  if (const auto found = all.find(metric); found != all.end()) {
    for (const auto& [unit, series] : found->second) out.push_back(unit);
  }
  return out;
}

const MetricStore::Metrics& MetricStore::metrics(const Scope& scope) const {
  const auto found = parts_->scopes.find(scope);
  return found == parts_->scopes.end() ? kNoMetrics : found->second;
}

task<Result<void>> MetricStore::sweep() {
  Parts& parts = *parts_;
  const std::int64_t oldest_s =
      to_unix_ms(parts.clock.now()) / 1000 - kHours.retention_s - kRecordEvery_s;
  std::vector<std::int64_t> gone;
  for (auto& [scope, metrics] : parts.scopes) {
    for (auto metric = metrics.begin(); metric != metrics.end();) {
      parts.series -= std::erase_if(metric->second, [&](const auto& unit) {
        const Series& series = unit.second;
        if (series.last_s >= oldest_s) return false;
        gone.push_back(series.id);
        return true;
      });
      metric = metric->second.empty() ? metrics.erase(metric) : std::next(metric);
    }
  }
  if (gone.empty()) co_return Result<void>();
  const std::size_t bytes = gone.size() * 4 * kPointKeyBytes;
  co_return co_await parts.rocks->write(
      [rocks = parts.rocks.get(), gone = std::move(gone)](rocksdb::WriteBatch& batch) {
        for (const std::int64_t id : gone) {
          batch.Delete(rocks->family(kSeriesFamily), series_key(id));
          for (const Level* level : kLevels) {
            batch.DeleteRange(rocks->family(kPointsFamily), point_key(*level, id, 0),
                              point_key(*level, id + 1, 0));
          }
        }
      },
      bytes);
}

}  // namespace landfall::cloudwatch
