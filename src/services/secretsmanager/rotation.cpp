#include "services/secretsmanager/rotation.h"

#include "base/bytes.h"
#include "base/log.h"
#include "base/schedule.h"
#include "wire/secretsmanager/errors.h"

namespace landfall::secretsmanager {
namespace {

constexpr std::chrono::hours kDay(24);
constexpr std::chrono::hours kLeastPause(4);
constexpr int kMostAttempts = 5;
constexpr std::chrono::minutes kFirstPause(1);
// As long as a function may run on AWS.
constexpr std::chrono::minutes kPatience(15);
constexpr Millis kBusy(500);
constexpr std::chrono::seconds kIdle(10);
constexpr std::string_view kRoot = "/secretsmanager/";

// Of a record in the store: "/secretsmanager/<account>/<region>/rotations/<name>".
std::optional<Scope> parse_rotation_key(std::string_view key) {
  std::vector<std::string> parts;
  for (std::size_t at = 1; at <= key.size();) {
    const std::size_t slash = std::min(key.find('/', at), key.size());
    parts.emplace_back(key.substr(at, slash - at));
    at = slash + 1;
  }
  if (parts.size() != 5 || parts[3] != "rotations") return {};
  return Scope{parts[1], parts[2]};
}

}  // namespace

Result<void> check_schedule(const std::string& expression, TimePoint now) {
  const auto schedule = Schedule::parse(expression, "");
  if (!schedule) return errors::invalid_parameter(schedule.error().message);
  if (schedule->once()) {
    return errors::invalid_parameter("ScheduleExpression is rate(...) or cron(...).");
  }
  auto at = schedule->next(now, now);
  if (!at) return errors::invalid_parameter("The schedule names no time to come.");
  // As far as a month of the closest times.
  for (int i = 0; i < 180; ++i) {
    const auto then = schedule->next(*at, now);
    if (!then) break;
    if (*then - *at < kLeastPause) {
      return errors::invalid_parameter("A secret is rotated every four hours at most.");
    }
    at = then;
  }
  return {};
}

std::optional<TimePoint> next_rotation(const RotationRecord& rotation, TimePoint from) {
  if (rotation.after_days) return from + kDay * rotation.after_days;
  if (rotation.schedule.empty()) return {};
  const auto schedule = Schedule::parse(rotation.schedule, "");
  return schedule ? schedule->next(from, from) : std::nullopt;
}

void Rotations::start() {
  for (const store::KeyValue& pair : service_.store.range(kRoot)) {
    if (const auto parsed = parse_rotation_key(pair.key))
      service_.rotating.emplace(parsed->account, parsed->region);
  }
  scope_.spawn("secret rotations", run());
}

task<void> Rotations::run() {
  while (true) {
    const bool busy = co_await sweep();
    co_await loop_.sleep_for(busy ? kBusy : Millis(kIdle));
  }
}

task<bool> Rotations::sweep() {
  std::vector<std::pair<Scope, std::string>> all;
  for (const auto& [account, region] : service_.rotating) {
    const Scope scope{account, region};
    for (const auto& row : service_.rotations(scope).list()) all.emplace_back(scope, row.id);
  }
  bool busy = false;
  for (const auto& [scope, id] : all) {
    if (auto done = co_await step(scope, id); !done)
      log::warning("secretsmanager", "rotation of {}: {}", id, done.error().message);
    const auto row = service_.rotations(scope).get(id);
    busy = busy || (row && !row->value.version_id.empty());
  }
  co_return busy;
}

task<Result<void>> Rotations::step(Scope scope, std::string id) {
  const TimePoint now = service_.clock.now();
  const auto table = service_.rotations(scope);
  auto row = table.get(id);
  if (!row) co_return Result<void>();
  const auto secret = service_.secrets(scope).get(id);
  const bool gone = !secret || secret->value.suffix != row->value.suffix ||
                    (secret->value.gone_at != TimePoint{} && secret->value.gone_at <= now);
  if (gone) {
    LF_CO_OK(
        co_await service_.store.commit({{table.unchanged(id, row->revision)}, {table.remove(id)}}));
    co_return Result<void>();
  }
  RotationRecord& rotation = row->value;
  if (!rotation.enabled || secret->value.deleted != TimePoint{}) co_return Result<void>();
  if (rotation.version_id.empty()) {
    if (rotation.next == TimePoint{} || rotation.next > now) co_return Result<void>();
    rotation.version_id = service_.random.uuid();
    rotation.attempts = 0;
    rotation.retry_at = now;
    LF_CO_TRY(begun, co_await service_.store.commit(
                         {{table.unchanged(id, row->revision)}, {table.put(id, rotation)}}));
    if (!begun.succeeded) co_return Result<void>();
    row = table.get(id);
  }
  if (row->value.task.empty()) {
    if (row->value.retry_at > now) co_return Result<void>();
    co_return co_await launch(scope, std::move(*row));
  }
  auto ended = tasks_.ended(scope, row->value.task);
  if (!ended) {
    if (now - row->value.begun < kPatience) co_return Result<void>();
    LF_CO_OK(co_await tasks_.stop(scope, row->value.task, "rotation took longer than 15 minutes"));
    ended = fail("rotation-slow", "the task took longer than 15 minutes");
  }
  co_return co_await finish(scope, std::move(*row), std::move(*ended));
}

// The task has a token of its own for each attempt, so that a crash between its start and the
// record of it finds the same task again.
task<Result<void>> Rotations::launch(Scope scope, store::Row<RotationRecord> row) {
  const auto secret = service_.secrets(scope).get(row.id);
  if (!secret) co_return Result<void>();
  const int attempt = row.value.attempts + 1;
  auto started = co_await tasks_.start(scope, row.value.target,
                                       fmt::format("{}-{}", row.value.version_id, attempt),
                                       {{"SECRET_ARN", arn_of(scope, secret->value)},
                                        {"CLIENT_REQUEST_TOKEN", row.value.version_id}});
  if (!started) {
    co_return co_await finish(scope, std::move(row), std::unexpected(started.error()));
  }
  LF_CO_OK(co_await service_.rotations(scope).update(
      row.id,
      [version = row.value.version_id, attempt, arn = *started,
       now = service_.clock.now()](RotationRecord& rotation) -> Result<bool> {
        if (rotation.version_id != version) return false;  // given up meanwhile
        rotation.task = arn;
        rotation.attempts = attempt;
        rotation.begun = now;
        return true;
      }));
  co_return Result<void>();
}

// Success makes the version current. A failure is tried again, each time after a longer pause; when
// it has failed too often, the schedule's next time decides.
task<Result<void>> Rotations::finish(Scope scope, store::Row<RotationRecord> row,
                                     Result<void> ended) {
  const std::string version = row.value.version_id;
  const TimePoint now = service_.clock.now();
  if (ended) {
    auto moved = co_await service_.secrets(scope).update(
        row.id, [&version, now](SecretRecord& secret) -> Result<bool> {
          const auto made = secret.versions.find(version);
          if (made == secret.versions.end()) {
            return fail("no-version", "the task ended well, but put no version " + version);
          }
          if (!made->second.stages.contains(kCurrent)) {
            if (!made->second.stages.contains(kPending)) {
              return fail("no-version",
                          "the task ended well, but version " + version + " is not AWSPENDING");
            }
            stage_version(secret, version, {kCurrent});
          }
          secret.versions.at(version).stages.erase(kPending);
          secret.changed = now;
          return true;
        });
    if (!moved) ended = std::unexpected(moved.error());
  }
  if (!ended)
    log::warning("secretsmanager", "rotation of {} failed: {}", row.id, ended.error().message);
  LF_CO_OK(co_await service_.rotations(scope).update(
      row.id, [&](RotationRecord& rotation) -> Result<bool> {
        if (rotation.version_id != version) return false;
        rotation.task.clear();
        if (ended) {
          rotation.version_id.clear();
          rotation.failure.clear();
          rotation.rotated = now;
          rotation.next = next_rotation(rotation, now).value_or(TimePoint{});
          return true;
        }
        rotation.failure = ended.error().message;
        rotation.failed = now;
        rotation.attempts = row.value.attempts + (row.value.task.empty() ? 1 : 0);
        if (rotation.attempts < kMostAttempts) {
          rotation.retry_at = now + kFirstPause * (1 << (rotation.attempts - 1));
        } else {
          rotation.version_id.clear();
          rotation.next = next_rotation(rotation, now).value_or(TimePoint{});
        }
        return true;
      }));
  co_return Result<void>();
}

task<std::optional<reconcile::Explanation>> explain(const Secretsmanager& service, Scope scope,
                                                    std::string reference) {
  const auto row = service.find(scope, reference);
  if (!row) co_return std::nullopt;
  const SecretRecord& secret = row->value;
  reconcile::Explanation out{.resource = arn_of(scope, secret), .kind = "secret"};
  if (secret.deleted != TimePoint{}) {
    out.state = fmt::format("deleted, gone on {}", format_iso8601(secret.gone_at));
    out.findings.push_back(
        {.reason = "SecretDeleted",
         .message = fmt::format("{} waits for its deletion; nobody can read it", secret.name),
         .advice = "aws secretsmanager restore-secret --secret-id " + secret.name,
         .since = secret.deleted});
    co_return out;
  }
  out.state = fmt::format("{} versions", secret.versions.size());
  if (!find_version(secret, "", "")) {
    out.findings.push_back(
        {.reason = "SecretEmpty",
         .message = secret.name + " has no value",
         .advice =
             fmt::format("aws secretsmanager put-secret-value --secret-id {} --secret-string VALUE",
                         secret.name),
         .since = secret.created});
  }
  const auto rotation = service.rotation_of(scope, secret);
  if (!rotation) co_return out;
  const RotationRecord& now = rotation->value;
  out.state += !now.enabled              ? ", rotation is off"
               : !now.version_id.empty() ? ", rotation under way"
               : now.next == TimePoint{} ? ", rotated when asked"
                                         : ", rotates next " + format_iso8601(now.next);
  if (!now.failure.empty()) {
    out.findings.push_back(
        {.reason = "RotationFailed",
         .message = fmt::format("the last rotation failed: {}", now.failure),
         .advice = "look at the task's log, then: aws secretsmanager rotate-secret --secret-id " +
                   secret.name,
         .since = now.failed});
  }
  co_return out;
}

}  // namespace landfall::secretsmanager
