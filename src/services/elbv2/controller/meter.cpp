#include "services/elbv2/controller/meter.h"

#include "base/log.h"
#include "io/files.h"

namespace landfall::elbv2 {
namespace {

constexpr Millis kMinute = std::chrono::minutes(1);

TimePoint minute_of(TimePoint time) {
  const std::int64_t ms = to_unix_ms(time);
  return from_unix_ms(ms - ms % kMinute.count());
}

}  // namespace

Meter::Meter(Elbv2& elbv2, std::filesystem::path folder)
    : elbv2_(elbv2),
      file_(folder / "metrics-read"),
      control_(elbv2.loop, std::move(folder)),
      tasks_(elbv2.loop) {}

void Meter::start() { tasks_.spawn("elbv2-meter", run()); }
task<void> Meter::stop() { co_await tasks_.stop(); }

task<void> Meter::run() {
  if (!elbv2_.metric_sink) co_return;
  // Now, for what comes before the first minute is over is to be counted, too.
  if (auto loaded = co_await load(); !loaded)
    log::warning("elbv2", "metrics: {}", loaded.error().message);
  while (true) {
    const TimePoint now = elbv2_.clock.now();
    const auto left = std::chrono::duration_cast<Millis>(minute_of(now) + kMinute - now);
    co_await elbv2_.loop.sleep_for(left);
    if (auto done = co_await read(); !done)
      log::warning("elbv2", "metrics: {}", done.error().message);
  }
}

// What was read when the server ran last. Lost or unreadable: counting begins with what the proxy
// says now, for its counters may be days old.
task<Result<void>> Meter::load() {
  if (mark_) co_return Result<void>();
  const auto text =
      co_await elbv2_.loop.run_blocking([file = file_] { return io::read_file(file, 1 << 30); });
  auto kept = text ? record::from_text<MetricsMark>(*text)
                   : Result<MetricsMark>(std::unexpected(text.error()));
  if (kept) {
    mark_ = std::move(*kept);
    co_return Result<void>();
  }
  MetricsMark fresh;
  LF_CO_TRY(readings, co_await control_.all_metrics());
  (void)take_samples(fresh, readings);
  mark_ = std::move(fresh);
  co_return Result<void>();
}

task<Result<void>> Meter::read() {
  LF_CO_OK(co_await load());
  LF_CO_TRY(readings, co_await control_.all_metrics());
  MetricsMark next = *mark_;
  std::map<Scope, std::vector<MetricSample>> by_scope;
  for (MetricSample& sample : take_samples(next, readings))
    by_scope[sample.scope].push_back(std::move(sample));
  const TimePoint minute = minute_of(elbv2_.clock.now()) - kMinute;
  for (auto& [scope, samples] : by_scope)
    LF_CO_OK(co_await elbv2_.metric_sink(scope, minute, std::move(samples)));
  const bool changed = !readings.empty() || !mark_->processes.empty();
  mark_ = std::move(next);
  if (!changed) co_return Result<void>();
  const auto written = co_await elbv2_.loop.run_blocking(
      [file = file_, text = record::to_text(*mark_)] { return io::write_file(file, text, 0600); });
  if (!written) co_return std::unexpected(written.error());
  co_await control_.forget_ended(std::move(readings));
  co_return Result<void>();
}

task<std::string> Meter::prometheus() {
  const auto metrics = co_await control_.metrics();
  co_return metrics ? prometheus_text(*metrics) : std::string();
}

}  // namespace landfall::elbv2
