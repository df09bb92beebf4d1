#include "services/cloudwatch/alarms/evaluator.h"

#include "base/bytes.h"
#include "base/log.h"
#include "services/cloudwatch/alarms/evaluate.h"
#include "services/cloudwatch/alarms/history.h"
#include "services/cloudwatch/alarms/points.h"
#include "services/cloudwatch/alarms/transition.h"
#include "services/cloudwatch/alarms/wording.h"

namespace landfall::cloudwatch {
namespace {

constexpr Millis kTick = std::chrono::seconds(1);
constexpr Millis kHousekeeping = std::chrono::hours(1);
constexpr int kMostRounds = 32;  // of composite alarms that refer to each other
constexpr std::int64_t kRepeatEvery_s = 60;

std::int64_t step_of(const AlarmRecord& alarm) {
  if (alarm.composite) return 60;
  if (alarm.period_s < 60) return 10;
  // As AWS: a long range is looked at once an hour.
  if (std::int64_t(alarm.period_s) * alarm.evaluation_periods > 24 * 3600) return 3600;
  return 60;
}

// "/cloudwatch/ACCOUNT/REGION/KIND/ID", taken apart.
std::optional<std::pair<Scope, std::string>> place_of(const std::string& key,
                                                      std::string_view kind) {
  constexpr std::string_view kPrefix = "/cloudwatch/";
  std::string_view rest = std::string_view(key).substr(kPrefix.size());
  std::string_view parts[3];
  for (std::string_view& part : parts) {
    const std::size_t slash = rest.find('/');
    if (slash == rest.npos) return {};
    part = rest.substr(0, slash);
    rest.remove_prefix(slash + 1);
  }
  if (parts[2] != kind) return {};
  return std::pair(Scope{std::string(parts[0]), std::string(parts[1])}, std::string(rest));
}

// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/percentiles-with-low-samples.html
double samples_wanted(double percentile) {
  const double share = percentile / 100;
  return share >= 0.5 ? 10 / (1 - share) : 10 / share;
}

}  // namespace

Evaluator::Evaluator(io::Loop& loop, Cloudwatch& cloudwatch)
    : loop_(loop), cloudwatch_(cloudwatch), scope_(loop), acting_(loop) {
  cloudwatch_.alarm_changed = [this](const Scope& scope, const std::string& name) {
    watch(scope, name);
  };
  cloudwatch_.state_changed = [this](const Scope& scope, const std::string& name) {
    state_changed(scope, name);
  };
  cloudwatch_.metrics.on_data(
      [this](const Scope& scope, const MetricKey& metric) { data_came(scope, metric); });
  load();
}

void Evaluator::start() {
  scope_.spawn("alarms", run());
  scope_.spawn("alarm actions", run_actions_forever());
  scope_.spawn("metrics housekeeping", keep_house());
}

task<void> Evaluator::stop() { return scope_.stop(); }

task<void> Evaluator::run() {
  while (true) {
    co_await tick();
    co_await loop_.sleep_for(kTick);
  }
}

task<void> Evaluator::keep_house() {
  while (true) {
    if (auto swept = co_await cloudwatch_.metrics.sweep(); !swept)
      log::warning("metrics", "old metrics cannot be removed: {}", swept.error().message);
    if (auto swept = co_await sweep_history(cloudwatch_, cloudwatch_.clock.now()); !swept)
      log::warning("alarms", "old history cannot be removed: {}", swept.error().message);
    co_await loop_.sleep_for(kHousekeeping);
  }
}

void Evaluator::load() {
  for (const store::KeyValue& kv : cloudwatch_.store.range("/cloudwatch/")) {
    if (const auto waiting = place_of(kv.key, "actions")) scopes_.insert(waiting->first);
    const auto place = place_of(kv.key, "alarms");
    const auto name = place ? percent_decode(place->second) : Result<std::string>();
    if (place && name) watch(place->first, *name);
  }
}

void Evaluator::forget(const Place& place) {
  const auto found = watched_.find(place);
  if (found == watched_.end()) return;
  for (const MetricKey& metric : found->second.metrics) {
    const auto index = by_metric_.find({place.first, metric});
    if (index == by_metric_.end()) continue;
    index->second.erase(place.second);
    if (index->second.empty()) by_metric_.erase(index);
  }
  watched_.erase(found);
}

// The alarm as it is in the store now.
void Evaluator::watch(const Scope& scope, const std::string& name) {
  const Place place{scope, name};
  scopes_.insert(scope);
  forget(place);
  const auto row = cloudwatch_.find_alarm(scope, name);
  if (row) {
    const AlarmRecord& alarm = row->value;
    Watched watched{.step_s = step_of(alarm), .composite = alarm.composite};
    watched.repeated_s = to_unix_ms(alarm.transitioned) / 1000;
    if (alarm.composite) {
      if (const auto rule = AlarmRule::parse(alarm.rule)) {
        for (const std::string& child : rule->alarms())
          watched.children.insert(alarm_name_of(scope, child));
      }
    } else if (alarm.queries.empty()) {
      watched.metrics = {alarm.metric};
    } else if (const auto queries = MetricQueries::prepare(scope, alarm.queries, "Metrics")) {
      watched.metrics = queries->metrics();
    }
    for (const MetricKey& metric : watched.metrics) by_metric_[{scope, metric}].insert(name);
    watched_.emplace(place, std::move(watched));
  }
  // A child that was made, changed or deleted.
  for (auto& [other, watched] : watched_) {
    if (other.first == scope && watched.children.contains(name)) watched.dirty = true;
  }
}

void Evaluator::data_came(const Scope& scope, const MetricKey& metric) {
  const auto index = by_metric_.find({scope, metric});
  if (index == by_metric_.end()) return;
  for (const std::string& name : index->second) {
    if (const auto found = watched_.find({scope, name}); found != watched_.end())
      found->second.dirty = true;
  }
}

void Evaluator::state_changed(const Scope& scope, const std::string& name) {
  if (const auto found = watched_.find({scope, name}); found != watched_.end()) {
    found->second.repeated_s = to_unix_ms(cloudwatch_.clock.now()) / 1000;
    found->second.repetition = 0;
  }
  for (auto& [place, watched] : watched_) {
    if (place.first == scope && watched.children.contains(name)) watched.dirty = true;
  }
  acting_.notify_all();
}

task<void> Evaluator::tick() {
  const std::int64_t now_s = to_unix_ms(cloudwatch_.clock.now()) / 1000;
  for (int round = 0; round < kMostRounds; ++round) {
    std::vector<Place> due;
    // Metric alarms first: rules are about their states.
    for (const bool composite : {false, true}) {
      for (auto& [place, watched] : watched_) {
        if (watched.composite != composite) continue;
        const std::int64_t end_s = now_s - now_s % watched.step_s;
        // Not "later than": the clock may have been set back.
        if (!watched.dirty && watched.window_end_s == end_s) continue;
        watched.dirty = false;
        watched.window_end_s = end_s;
        due.push_back(place);
      }
    }
    if (due.empty()) break;
    for (const Place& place : due) {
      auto done = co_await look(place, now_s);
      if (!done) {
        log::warning("alarms", "{} cannot be evaluated: {}", place.second, done.error().message);
      } else if (!*done) {
        // It changed meanwhile.
        if (const auto found = watched_.find(place); found != watched_.end())
          found->second.dirty = true;
      }
    }
  }
  // A handler may make and delete alarms: nothing is called while the list is walked.
  std::vector<Place> again;
  for (const auto& [place, watched] : watched_) {
    const std::int64_t since_s = now_s - watched.repeated_s;
    if (!watched.composite && (since_s >= kRepeatEvery_s || since_s < 0)) again.push_back(place);
  }
  for (const Place& place : again) {
    if (const auto found = watched_.find(place); found != watched_.end())
      repeat(place, found->second, now_s);
  }
}

task<Result<bool>> Evaluator::look(Place place, std::int64_t now_s) {
  auto row = cloudwatch_.find_alarm(place.first, place.second);
  if (!row) co_return true;
  if (row->value.composite) co_return co_await look_at_rule(place, std::move(*row));
  const std::int64_t step_s = row->value.period_s < 60 ? 10 : 60;
  co_return co_await look_at_metric(place, std::move(*row), now_s - now_s % step_s);
}

task<Result<bool>> Evaluator::look_at_metric(Place place, AlarmRow row, std::int64_t end_s) {
  const AlarmRecord& alarm = row.value;
  double samples = 0;
  LF_CO_TRY(points, points_of(cloudwatch_, place.first, alarm, end_s, samples));
  if (alarm.low_sample_handling == "ignore") {
    const auto statistic = Statistic::parse(alarm.extended_statistic);
    const auto percentile = statistic ? statistic->percentile() : std::nullopt;
    if (percentile && samples > 0 && samples < samples_wanted(*percentile)) co_return true;
  }
  Verdict verdict = evaluate(alarm, points);
  if (!verdict.state || *verdict.state == alarm.state) co_return true;
  const TimePoint now = cloudwatch_.clock.now();
  NewState next{.state = *verdict.state,
                .reason = verdict.reason,
                .reason_data = reason_data(alarm, points, verdict, now),
                .recent = verdict.used};
  co_return co_await transition(cloudwatch_, place.first, std::move(row), std::move(next), now);
}

task<Result<bool>> Evaluator::look_at_rule(Place place, AlarmRow row) {
  const Scope& scope = place.first;
  LF_CO_TRY(rule, AlarmRule::parse(row.value.rule));
  // The child that changed last is what set it off.
  std::optional<AlarmView> latest;
  const auto state_of = [&](const std::string& reference) -> std::optional<AlarmState> {
    const auto child = cloudwatch_.alarm(scope, alarm_name_of(scope, reference));
    if (!child) return {};
    if (!latest || child->changed > latest->changed) latest = child;
    return child->state;
  };
  for (const std::string& reference : rule.alarms()) (void)state_of(reference);
  const AlarmState state = rule.holds(state_of) ? AlarmState::alarm : AlarmState::ok;
  if (state == row.value.state) co_return true;
  NewState next{.state = state, .reason = "The rule of the alarm is constant"};
  if (latest) {
    next.reason = fmt::format("{} transitioned to {} at {}", latest->arn, to_text(latest->state),
                              spoken_time(latest->changed));
    const std::string_view value = to_text(latest->state);
    next.reason_data = json::serialize(json::object{
        {"triggeringAlarms",
         json::array{json::object{
             {"arn", latest->arn},
             {"state", json::object{{"value", json::string(value.data(), value.size())},
                                    {"timestamp", long_time(latest->changed)}}}}}}});
  }
  co_return co_await transition(cloudwatch_, scope, std::move(row), std::move(next),
                                cloudwatch_.clock.now());
}

// ---- actions ----

void Evaluator::repeat(const Place& place, Watched& watched, std::int64_t now_s) {
  watched.repeated_s = now_s;
  if (watched.repeating) return;
  const auto row = cloudwatch_.find_alarm(place.first, place.second);
  if (!row || !row->value.actions_enabled) return;
  std::vector<PendingAction> actions;
  for (const std::string& action : row->value.actions()) {
    const ActionHandler* handler = cloudwatch_.handler_of(action);
    if (!handler || !handler->repeats) continue;
    double samples = 0;
    std::vector<Point> recent;
    const auto points =
        points_of(cloudwatch_, place.first, row->value, now_s - now_s % 60, samples);
    if (points) recent = evaluate(row->value, *points).used;
    actions.push_back(pending_action(place.first, row->value, row->value.state, action, recent,
                                     row->value.transitioned));
  }
  if (actions.empty()) return;
  watched.repeating = true;
  scope_.spawn("alarm action again", invoke_again(place, std::move(actions), ++watched.repetition));
}

task<void> Evaluator::invoke_again(Place place, std::vector<PendingAction> actions,
                                   int repetition) {
  for (const PendingAction& action : actions) {
    const ActionHandler* handler = cloudwatch_.handler_of(action.action);
    if (!handler) continue;
    AlarmTransition again = transition_of(place.first, action);
    again.repetition = repetition;
    auto done = co_await io::with_timeout(loop_, kTick * 30,
                                          handler->invoke(action.action, std::move(again)));
    if (!done)
      log::info("alarms", "{}: {} again: {}", place.second, action.action, done.error().message);
  }
  if (const auto found = watched_.find(place); found != watched_.end())
    found->second.repeating = false;
}

}  // namespace landfall::cloudwatch
