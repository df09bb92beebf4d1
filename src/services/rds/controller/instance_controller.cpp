#include "services/rds/controller/instance_controller.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "io/files.h"
#include "services/rds/keys.h"
#include "services/rds/log_files.h"
#include "services/rds/server.h"

namespace landfall::rds {
namespace {

// They are valid for a year.
constexpr auto kCertificateLife = std::chrono::days(300);
// Windows are minutes long: looking once a minute finds them.
constexpr Millis kWindowPoll = std::chrono::minutes(1);
constexpr int kMostStepsAtOnce = 64;

std::string key_of(const Rds& rds, const DbInstance& wanted) {
  return rds.tables(wanted.scope()).instances.key(wanted.identifier);
}

// Changes of an instance itself, of a snapshot (its instance waits for the end), and of a parameter
// group (its instances' servers must read it).
std::vector<std::string> instances_concerned(const Rds& rds, const store::KeyValue& current) {
  if (parse_key(current.key, "instances")) return {current.key};
  if (const auto snapshot = parse_key(current.key, "snapshots")) {
    const auto record = record::from_text<DbSnapshot>(current.value);
    if (!record) return {};
    return {rds.tables(snapshot->scope).instances.key(record->instance)};
  }
  std::vector<std::string> keys;
  if (const auto group = parse_key(current.key, "parameter-groups")) {
    const auto instances = rds.tables(group->scope).instances;
    for (const auto& row : instances.list()) {
      if (row.value.parameter_group == group->id) keys.push_back(instances.key(row.id));
    }
  }
  return keys;
}

// Before the server opens its own log it complains on its standard error. Empty: it said nothing.
std::string last_words(const std::filesystem::path& container_log) {
  const io::Fd file(::open(container_log.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return {};
  constexpr off_t kTail = 8192;
  const off_t size = ::lseek(file.get(), 0, SEEK_END);
  std::string text(std::size_t(std::min(size, kTail)), '\0');
  const ssize_t got = ::pread(file.get(), text.data(), text.size(), size - off_t(text.size()));
  text.resize(std::size_t(std::max<ssize_t>(got, 0)));
  std::size_t at = std::string::npos;
  for (const std::string_view tag : {"FATAL:  ", "PANIC:  "}) {
    const std::size_t found = text.rfind(tag);
    if (found != std::string::npos && (at == std::string::npos || found > at))
      at = found + tag.size();
  }
  if (at == std::string::npos) return {};
  std::string words = text.substr(at, text.find('\n', at) - at);
  // "configuration file contains errors": which ones stands in the line before.
  if (words.find("contains errors") != std::string::npos) {
    constexpr std::string_view kTag = "LOG:  ";
    const std::size_t before = text.rfind(kTag, at);
    if (before != std::string::npos)
      words = text.substr(before + kTag.size(), text.find('\n', before) - before - kTag.size());
  }
  return words;
}

Millis retry_delay(int failures) {
  return std::min<Millis>(std::chrono::minutes(5), Millis(1000) * (1 << std::min(failures, 9)));
}

}  // namespace

InstanceController::InstanceController(Rds& rds)
    : rds_(rds),
      exporter_(rds),
      watchers_(rds.loop),
      controller_(
          rds.loop, rds.store, rds.clock, rds.random,
          {.name = "rds-instances",
           .sources = {{std::string(kRoot),
                        [&rds](const store::KeyValue& current,
                               const std::optional<store::KeyValue>&) -> std::vector<std::string> {
                          return instances_concerned(rds, current);
                        }},
                       {std::string(kms::kRoot),
                        [&rds](const store::KeyValue& current,
                               const std::optional<store::KeyValue>&) -> std::vector<std::string> {
                          return instances_of_changed_key(rds, current);
                        }}}},
          [this](std::string key) { return reconcile(std::move(key)); }) {}

void InstanceController::start() {
  watchers_.spawn("rds-encryption-probe", probe_encryption());
  controller_.start();
}

// A machine that cannot encrypt says so in the log before somebody asks it to.
task<void> InstanceController::probe_encryption() {
  (void)co_await rds_.volumes.probe_encryption();
}

task<void> InstanceController::stop() {
  co_await controller_.stop();
  co_await exporter_.stop();
  co_await watchers_.stop();
}

task<void> InstanceController::watch_exit(std::string container, std::string key) {
  // Gone is as good as exited: either way the instance is looked at again.
  (void)co_await rds_.containers.wait(container);
  watched_.erase(container);
  controller_.enqueue(key);
}

task<Result<void>> InstanceController::change(DbInstance wanted,
                                              std::function<void(DbInstance&)> edit) {
  auto done = co_await rds_.tables(wanted.scope())
                  .instances.update(wanted.identifier, [&](DbInstance& record) -> Result<bool> {
                    if (record.resource_id != wanted.resource_id)
                      return false;  // another of the same name
                    // A write that changes nothing would wake us at once, past the backoff.
                    const std::string before = record::to_text(record);
                    edit(record);
                    return record::to_text(record) != before;
                  });
  if (!done) co_return std::unexpected(done.error());
  co_return Result<void>();
}

task<Result<reconcile::Requeue>> InstanceController::reconcile(std::string key) {
  const auto parsed = parse_key(key, "instances");
  for (int count = 0; parsed && count < kMostStepsAtOnce; ++count) {
    const auto row = rds_.tables(parsed->scope).instances.get(parsed->id);
    if (!row) break;
    const DbInstance wanted = row->value;
    LF_CO_TRY(observed, co_await observe(wanted));
    const Plan next = plan(wanted, observed, rds_.clock.now());
    if (!next.status.empty() && next.status != wanted.status) {
      log::info("rds", "{}: {} -> {}", wanted.identifier, wanted.status, next.status);
      LF_CO_OK(co_await change(wanted, [&](DbInstance& record) { record.status = next.status; }));
    }
    if (next.count_failure) {
      const std::string message =
          fmt::format("The database server exited with code {}{}{}", observed.server.exit_code,
                      observed.server.exit_reason.empty() ? "" : ": ", observed.server.exit_reason);
      const std::string reason =
          next.status == "incompatible-parameters" ? "IncompatibleParameters" : "ServerExited";
      LF_CO_OK(co_await change(wanted, [&](DbInstance& record) {
        record.retry_at = rds_.clock.now() + retry_delay(record.consecutive_failures++);
        reconcile::set_condition(record.conditions,
                                 {"Available", reconcile::Status::no, reason, message, ""},
                                 rds_.clock.now());
      }));
      LF_CO_OK(
          co_await rds_.events.record(wanted.arn(), {.reason = "failure", .message = message}));
      continue;
    }
    if (next.step == Step::none) {
      if (wanted.wanted == Wanted::running) co_await remove_old_logs(wanted);
      co_return reconcile::Requeue{kWindowPoll};
    }
    if (next.step == Step::wait) co_return reconcile::Requeue{next.wait};
    log::debug("rds", "{}: {}", wanted.identifier, name(next.step));
    if (auto done = co_await apply(next.step, wanted); !done) {
      const std::string message =
          fmt::format("Cannot {}: {}", name(next.step), done.error().message);
      LF_CO_OK(co_await change(wanted, [&](DbInstance& record) {
        reconcile::set_condition(
            record.conditions, {"Available", reconcile::Status::no, done.error().code, message, ""},
            rds_.clock.now());
      }));
      co_return std::unexpected(Error{done.error().code, message, 500});
    }
  }
  co_return reconcile::Requeue{};
}

task<void> InstanceController::remove_old_logs(DbInstance wanted) {
  const auto values = values_now(wanted, find_parameter_group(rds_, wanted));
  int minutes = 0;
  if (const auto found = values.find("rds.log_retention_period"); found != values.end())
    std::from_chars(found->second.data(), found->second.data() + found->second.size(), minutes);
  if (minutes <= 0) co_return;
  const TimePoint before = rds_.clock.now() - std::chrono::minutes(minutes);
  const auto folder = host::postgres_log_folder(server_to_ask(rds_, wanted));
  co_await rds_.loop.run_blocking([folder, before] { remove_old_log_files(folder, before); });
}

task<Result<Observed>> InstanceController::observe(DbInstance wanted) {
  Observed seen;
  const std::string volume = volume_of(wanted.resource_id);
  seen.volume_exists = rds_.volumes.exists(volume);
  seen.volume_mounted = rds_.volumes.mounted(volume);
  seen.volume_ready = seen.volume_mounted;
  if (wanted.encrypted()) {
    const std::string archive = archive_volume(wanted.resource_id);
    seen.volume_mounted = seen.volume_mounted || rds_.volumes.mounted(archive);
    seen.volume_ready = rds_.volumes.unlocked(volume) && rds_.volumes.unlocked(archive);
    seen.key_accessible = open_volume_key(rds_, wanted.volume_key).has_value();
  }
  seen.volume_size_bytes = rds_.volumes.size_bytes(volume);
  if (auto found = rds_.containers.find(container_of(wanted))) {
    using State = ObservedServer::State;
    switch (found->state) {
      case host::ContainerState::creating:
      case host::ContainerState::created:
        seen.server.state = State::half_made;
        break;
      case host::ContainerState::running:
        seen.server.state = State::running;
        break;
      case host::ContainerState::exited:
        seen.server.state = State::exited;
        break;
    }
    seen.server.configuration = found->labels["configuration"];
    if (found->exit) {
      seen.server.exit_code = found->exit->code;
      seen.server.exit_reason = found->exit->oom_killed ? "out of memory" : found->exit->reason;
      if (seen.server.exit_reason.empty()) seen.server.exit_reason = last_words(found->log_path);
      seen.server.exited_at = found->exit->at;
    }
  }
  for (const auto& row : rds_.tables(wanted.scope()).snapshots.list()) {
    if (row.value.instance_resource_id != wanted.resource_id) continue;
    if (row.value.status == "creating" && row.value.copied_from.empty())
      seen.snapshot_under_way = true;
    if (row.id == wanted.final_snapshot && row.value.status == "available")
      seen.final_snapshot_exists = true;
  }
  if (wanted.wanted != Wanted::running) co_return seen;

  if (auto interface = rds_.ec2.find_interface(wanted.scope(), wanted.interface_id)) {
    seen.interface_ready = interface->security_group_ids == wanted.security_group_ids &&
                           interface->public_address.has_value() == wanted.publicly_accessible;
  }
  seen.wanted_configuration = configuration_of(wanted);
  if (minor_upgrade_due(wanted, rds_.clock.now())) seen.newer_minor = co_await newer_minor(wanted);
  const bool running = seen.server.state == ObservedServer::State::running;
  const auto group = find_parameter_group(rds_, wanted);
  seen.custom_parameters = group && !group->parameters.empty();
  LF_CO_TRY(server, co_await server_of(
                        rds_, wanted,
                        running ? values_now(wanted, group) : values_at_start(wanted, group)));
  seen.settings_current = wanted.loaded_settings == host::postgres_settings_digest(server) &&
                          rds_.clock.now() - wanted.certificate_issued_at < kCertificateLife;
  if (running) {
    if (!wanted.log_exports.empty()) exporter_.follow(wanted);
    seen.answers = (co_await host::run_sql(rds_.loop, server, "postgres", "SELECT 1")).has_value();
    if (seen.answers && wanted.is_replica()) co_await note_replication(wanted);
    if (watched_.insert(server.id).second) {
      watchers_.spawn("rds-exit", watch_exit(server.id, key_of(rds_, wanted)));
    }
  }
  co_return seen;
}

}  // namespace landfall::rds
