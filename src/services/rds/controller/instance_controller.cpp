#include "services/rds/controller/instance_controller.h"

#include "base/bytes.h"
#include "base/log.h"
#include "io/files.h"
#include "services/rds/classes.h"
#include "services/rds/snapshots.h"

namespace landfall::rds {
namespace {

constexpr Millis kStopGrace = std::chrono::seconds(60);
constexpr Millis kInterfaceTimeout = std::chrono::seconds(30);
// Windows are minutes long: looking once a minute finds them.
constexpr Millis kWindowPoll = std::chrono::minutes(1);
constexpr int kMostStepsAtOnce = 64;

std::string key_of(const Rds& rds, const DbInstance& wanted) {
  return rds.tables(wanted.scope()).instances.key(wanted.identifier);
}

std::string container_of(const DbInstance& wanted) { return "rds-" + wanted.resource_id; }
std::string interface_owner(const DbInstance& wanted) { return "rds:db/" + wanted.resource_id; }

std::filesystem::path state_folder(const Rds& rds, const DbInstance& wanted) {
  return rds.instance.data_dir / "rds" / wanted.resource_id;
}

// The same for every instance of an account in a region, as on AWS.
std::string endpoint_label(const Scope& scope) {
  return "c" + hex_encode(sha256(scope.account + "/" + scope.region)).substr(0, 11);
}

// Changes of an instance itself, and of a snapshot: its instance waits for the end.
std::vector<std::string> instances_concerned(const store::KeyValue& current) {
  if (parse_key(current.key, "instances")) return {current.key};
  const auto snapshot = parse_key(current.key, "snapshots");
  if (!snapshot) return {};
  const auto record = record::from_text<DbSnapshot>(current.value);
  if (!record) return {};
  return {fmt::format("{}{}/{}/instances/{}", kRoot, snapshot->scope.account,
                      snapshot->scope.region, record->instance)};
}

Millis retry_delay(int failures) {
  return std::min<Millis>(std::chrono::minutes(5), Millis(1000) * (1 << std::min(failures, 9)));
}

}  // namespace

std::string volume_of(const std::string& resource_id) { return "rds-" + resource_id; }

std::string configuration_of(const DbInstance& wanted,
                             const std::map<std::string, std::string>& parameters) {
  std::string text =
      fmt::format("{}\n{}\n{}\n", wanted.engine_version, wanted.instance_class, wanted.port);
  for (const auto& [name, value] : parameters) text += fmt::format("{}={}\n", name, value);
  return sha256_hex(text).substr(0, 16);
}

InstanceController::InstanceController(Rds& rds)
    : rds_(rds),
      watchers_(rds.loop),
      controller_(
          rds.loop, rds.store, rds.clock, rds.random,
          {.name = "rds-instances",
           .sources = {{std::string(kRoot),
                        [](const store::KeyValue& current, const std::optional<store::KeyValue>&)
                            -> std::vector<std::string> { return instances_concerned(current); }}}},
          [this](std::string key) { return reconcile(std::move(key)); }) {}

void InstanceController::start() { controller_.start(); }

task<void> InstanceController::stop() {
  co_await controller_.stop();
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
                    edit(record);
                    return true;
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
      LF_CO_OK(co_await change(wanted, [&](DbInstance& record) {
        record.retry_at = rds_.clock.now() + retry_delay(record.consecutive_failures++);
        reconcile::set_condition(record.conditions,
                                 {"Available", reconcile::Status::no, "ServerExited", message, ""},
                                 rds_.clock.now());
      }));
      LF_CO_OK(
          co_await rds_.events.record(wanted.arn(), {.reason = "failure", .message = message}));
      continue;
    }
    if (next.step == Step::none) co_return reconcile::Requeue{kWindowPoll};
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

task<Result<host::PostgresServer>> InstanceController::server_of(DbInstance wanted) {
  host::PostgresServer server;
  server.id = container_of(wanted);
  bool installed = false;
  for (host::PostgresInstallation& found : co_await rds_.installations()) {
    if (found.version != wanted.engine_version) continue;
    server.installation = std::move(found);
    installed = true;
  }
  if (!installed) {
    co_return fail("engine-missing",
                   fmt::format("PostgreSQL {} is not installed", wanted.engine_version), 500);
  }
  const auto size = find_instance_class(wanted.instance_class);
  if (!size) co_return fail("class-unknown", "unknown class " + wanted.instance_class, 500);
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  server.data_folder =
      rds_.instance.data_dir / "volumes" / "mounts" / volume_of(wanted.resource_id);
  server.state_folder = state_folder(rds_, wanted);
  server.port = std::uint16_t(wanted.port);
  server.memory_bytes = size->memory_mib << 20;
  server.cpu_millicores = std::uint64_t(std::min<unsigned>(cores, unsigned(size->vcpus))) * 1000;
  server.master_user = wanted.master_user;
  server.master_verifier = wanted.master_verifier;
  server.database = wanted.database;
  if (auto group = rds_.tables(wanted.scope()).parameter_groups.get(wanted.parameter_group)) {
    server.parameters = group->value.parameters;
  }
  if (auto interface = rds_.ec2.find_interface(wanted.scope(), wanted.interface_id)) {
    server.network_namespace = interface->namespace_path;
  }
  server.labels = {{"rds", wanted.resource_id},
                   {"configuration", configuration_of(wanted, server.parameters)}};
  co_return server;
}

task<Result<Observed>> InstanceController::observe(DbInstance wanted) {
  Observed seen;
  const std::string volume = volume_of(wanted.resource_id);
  seen.volume_exists = rds_.volumes.exists(volume);
  seen.volume_mounted = rds_.volumes.mounted(volume);
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
      seen.server.exited_at = found->exit->at;
    }
  }
  for (const auto& row : rds_.tables(wanted.scope()).snapshots.list()) {
    if (row.value.instance_resource_id != wanted.resource_id) continue;
    if (row.value.status == "creating") seen.snapshot_under_way = true;
    if (row.id == wanted.final_snapshot && row.value.status == "available")
      seen.final_snapshot_exists = true;
  }
  if (wanted.wanted != Wanted::running) co_return seen;

  if (auto interface = rds_.ec2.find_interface(wanted.scope(), wanted.interface_id)) {
    seen.interface_ready = interface->security_group_ids == wanted.security_group_ids &&
                           interface->public_address.has_value() == wanted.publicly_accessible;
  }
  LF_CO_TRY(server, co_await server_of(wanted));
  seen.wanted_configuration = server.labels.at("configuration");
  if (seen.server.state == ObservedServer::State::running) {
    seen.answers = (co_await host::run_sql(rds_.loop, server, "postgres", "SELECT 1")).has_value();
    if (watched_.insert(server.id).second) {
      watchers_.spawn("rds-exit", watch_exit(server.id, key_of(rds_, wanted)));
    }
  }
  co_return seen;
}

task<Result<void>> InstanceController::apply(Step step, DbInstance wanted) {
  const std::string volume = volume_of(wanted.resource_id);
  switch (step) {
    case Step::none:
    case Step::wait:
      break;
    case Step::apply_pending:
      co_return co_await change(wanted, [](DbInstance& record) {
        record.engine_version = record.pending.engine_version.value_or(record.engine_version);
        record.instance_class = record.pending.instance_class.value_or(record.instance_class);
        record.allocated_storage_gib =
            record.pending.allocated_storage_gib.value_or(record.allocated_storage_gib);
        record.pending = {};
      });
    case Step::make_interface:
      co_return co_await make_interface(std::move(wanted));
    case Step::make_volume:
      co_return co_await make_volume(std::move(wanted));
    case Step::grow_volume:
      co_return co_await rds_.volumes.grow(volume, std::uint64_t(wanted.allocated_storage_gib)
                                                       << 30);
    case Step::mount_volume: {
      auto mounted = co_await rds_.volumes.mount(volume);
      if (!mounted) co_return std::unexpected(mounted.error());
      break;
    }
    case Step::start_server:
      co_return co_await start_server(std::move(wanted));
    case Step::stop_server:
      co_return co_await stop_server(std::move(wanted));
    case Step::remove_server:
      co_return co_await rds_.containers.remove(container_of(wanted));
    case Step::set_password:
      co_return co_await set_password(std::move(wanted));
    case Step::take_automated_snapshot:
      co_return co_await take_automated_snapshot(std::move(wanted));
    case Step::finish:
      co_return co_await finish(std::move(wanted));
    case Step::take_final_snapshot:
      co_return co_await begin_snapshot(rds_, wanted, wanted.final_snapshot, false, wanted.tags);
    case Step::unmount_volume:
      co_return co_await rds_.volumes.unmount(volume);
    case Step::mark_stopped:
      co_return co_await rds_.events.record(
          wanted.arn(), {.reason = "notification", .message = "DB instance stopped"});
    case Step::delete_volume:
      co_return co_await rds_.volumes.remove(volume);
    case Step::delete_interface: {
      LF_CO_OK(co_await rds_.ec2.unregister_names(wanted.scope(), interface_owner(wanted)));
      LF_CO_OK(co_await rds_.ec2.delete_interface(wanted.scope(), wanted.interface_id));
      co_return co_await change(wanted, [](DbInstance& record) { record.interface_id.clear(); });
    }
    case Step::forget:
      co_return co_await forget(std::move(wanted));
  }
  co_return Result<void>();
}

task<Result<void>> InstanceController::make_interface(DbInstance wanted) {
  const Scope scope = wanted.scope();
  auto interface =
      co_await rds_.ec2.allocate_interface({.scope = scope,
                                            .owner = interface_owner(wanted),
                                            .subnet_id = wanted.subnet_id,
                                            .security_group_ids = wanted.security_group_ids,
                                            .description = "RDSNetworkInterface",
                                            .public_address = wanted.publicly_accessible});
  if (!interface) co_return std::unexpected(interface.error());
  LF_CO_OK(
      co_await change(wanted, [&](DbInstance& record) { record.interface_id = interface->id; }));
  LF_CO_OK(co_await rds_.ec2.set_security_groups(scope, interface->id, wanted.security_group_ids));
  LF_CO_OK(co_await rds_.ec2.set_public_address(scope, interface->id, wanted.publicly_accessible));
  LF_CO_TRY(ready, co_await rds_.ec2.wait_ready(scope, interface->id, kInterfaceTimeout));
  if (!wanted.endpoint.empty()) {
    wanted.interface_id = ready.id;
    co_return co_await finish(std::move(wanted));  // the addresses behind the name have changed
  }
  co_return Result<void>();
}

task<Result<void>> InstanceController::make_volume(DbInstance wanted) {
  const std::uint64_t bytes = std::uint64_t(wanted.allocated_storage_gib) << 30;
  if (wanted.restore_snapshot.empty())
    co_return co_await rds_.volumes.create(volume_of(wanted.resource_id), bytes);
  co_return co_await rds_.volumes.create_from_snapshot(volume_of(wanted.resource_id),
                                                       wanted.restore_snapshot, bytes);
}

task<Result<void>> InstanceController::start_server(DbInstance wanted) {
  LF_CO_TRY(server, co_await server_of(wanted));
  auto spec = host::prepare_postgres(server);
  if (!spec) co_return std::unexpected(spec.error());
  auto created = co_await rds_.containers.create(std::move(*spec));
  if (!created) co_return std::unexpected(created.error());
  auto started = co_await rds_.containers.start(server.id);
  if (!started) co_return std::unexpected(started.error());
  co_return co_await change(
      wanted, [](DbInstance& record) { record.reboots_done = record.reboots_wanted; });
}

task<Result<void>> InstanceController::stop_server(DbInstance wanted) {
  auto stopped = co_await rds_.containers.stop(container_of(wanted), kStopGrace);
  if (!stopped && stopped.error().code != "container-unknown")
    co_return std::unexpected(stopped.error());
  co_return co_await rds_.containers.remove(container_of(wanted));
}

task<Result<void>> InstanceController::set_password(DbInstance wanted) {
  LF_CO_TRY(server, co_await server_of(wanted));
  auto done = co_await host::run_sql(
      rds_.loop, server, "postgres",
      fmt::format("ALTER ROLE {} PASSWORD {}", host::sql_name(wanted.master_user),
                  host::sql_text(wanted.master_verifier)));
  if (!done) co_return std::unexpected(done.error());
  co_return co_await change(
      wanted, [&](DbInstance& record) { record.applied_verifier = wanted.master_verifier; });
}

task<Result<void>> InstanceController::take_automated_snapshot(DbInstance wanted) {
  const TimePoint now = rds_.clock.now();
  LF_CO_OK(co_await begin_snapshot(rds_, wanted, automated_snapshot_name(wanted.identifier, now),
                                   true, {}));
  LF_CO_OK(
      co_await change(wanted, [&](DbInstance& record) { record.last_automated_snapshot = now; }));
  co_return co_await drop_expired_snapshots(std::move(wanted));
}

task<Result<void>> InstanceController::drop_expired_snapshots(DbInstance wanted) {
  const TimePoint oldest = rds_.clock.now() - std::chrono::days(wanted.backup_retention_days);
  for (const auto& row : rds_.tables(wanted.scope()).snapshots.list()) {
    const DbSnapshot& snapshot = row.value;
    if (!snapshot.automated || snapshot.instance_resource_id != wanted.resource_id) continue;
    if (snapshot.created_at < oldest) LF_CO_OK(co_await begin_snapshot_deletion(rds_, snapshot));
  }
  co_return Result<void>();
}

task<Result<void>> InstanceController::finish(DbInstance wanted) {
  const Scope scope = wanted.scope();
  const auto interface = rds_.ec2.find_interface(scope, wanted.interface_id);
  if (!interface) co_return fail("interface-missing", "the network interface is gone", 500);
  const std::string name = fmt::format("{}.{}.{}.rds.landfall.test", wanted.identifier,
                                       endpoint_label(scope), scope.region);
  ec2::DnsName dns{.scope = scope,
                             .name = name,
                             .owner = interface_owner(wanted),
                             .vpc_id = interface->vpc_id,
                             .private_addresses = {interface->private_address},
                             .public_addresses = {}};
  if (interface->public_address) dns.public_addresses.push_back(*interface->public_address);
  LF_CO_OK(co_await rds_.ec2.register_name(std::move(dns)));
  const bool first = !wanted.available_at;
  LF_CO_OK(co_await change(wanted, [&](DbInstance& record) {
    record.endpoint = name;
    record.private_address = interface->private_address.str();
    record.public_address = interface->public_address ? interface->public_address->str() : "";
    record.availability_zone = interface->availability_zone;
    if (!record.available_at) record.available_at = rds_.clock.now();
    record.status = "available";
    record.consecutive_failures = 0;
    reconcile::set_condition(record.conditions,
                             {"Available", reconcile::Status::yes, "ServerAnswers", "", ""},
                             rds_.clock.now());
  }));
  co_return co_await rds_.events.record(
      wanted.arn(), {.reason = first ? "creation" : "availability",
                     .message = first ? "DB instance created" : "DB instance restarted"});
}

task<Result<void>> InstanceController::forget(DbInstance wanted) {
  // Automated backups go with their instance; those that the user took stay.
  for (const auto& row : rds_.tables(wanted.scope()).snapshots.list()) {
    if (row.value.automated && row.value.instance_resource_id == wanted.resource_id) {
      LF_CO_OK(co_await begin_snapshot_deletion(rds_, row.value));
    }
  }
  const std::filesystem::path folder = state_folder(rds_, wanted);
  LF_CO_OK(co_await rds_.loop.run_blocking([folder] { return io::remove_tree(folder); }));
  const auto table = rds_.tables(wanted.scope()).instances;
  auto done = co_await rds_.store.commit(
      {{}, {table.remove(wanted.identifier), rds_.events.forget(wanted.arn())}});
  if (!done) co_return std::unexpected(done.error());
  co_return Result<void>();
}

}  // namespace landfall::rds
