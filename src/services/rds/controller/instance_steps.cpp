// The steps of a plan, each of which may be repeated.
#include "io/files.h"
#include "services/rds/backups.h"
#include "services/rds/controller/instance_controller.h"
#include "services/rds/keys.h"
#include "services/rds/master_secret.h"
#include "services/rds/replicas.h"
#include "services/rds/server.h"
#include "services/rds/settings.h"
#include "services/rds/snapshots.h"

namespace landfall::rds {
namespace {

constexpr Millis kStopGrace = std::chrono::seconds(60);
constexpr Millis kInterfaceTimeout = std::chrono::seconds(30);
// Archived segments may take what the disk has, as they may without encryption.
constexpr std::uint64_t kArchiveRoom = std::uint64_t(1) << 40;

}  // namespace

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
    case Step::upgrade_minor:
      co_return co_await upgrade_minor(std::move(wanted));
    case Step::make_interface:
      co_return co_await make_interface(std::move(wanted));
    case Step::make_volume:
      co_return co_await make_volume(std::move(wanted));
    case Step::grow_volume:
      co_return co_await rds_.volumes.grow(volume, std::uint64_t(wanted.allocated_storage_gib)
                                                       << 30);
    case Step::mount_volume:
      co_return co_await mount_volumes(std::move(wanted));
    case Step::start_server:
      co_return co_await start_server(std::move(wanted));
    case Step::stop_server:
      co_return co_await stop_server(std::move(wanted));
    case Step::remove_server:
      co_return co_await rds_.containers.remove(container_of(wanted));
    case Step::end_recovery:
      LF_CO_OK(co_await rds_.loop.run_blocking(
          [folder = replay_folder(rds_, wanted)] { return io::remove_tree(folder); }));
      co_return co_await change(wanted, [](DbInstance& record) {
        record.restore_segments = false;
        record.restore_until.reset();
      });
    case Step::promote:
      co_return co_await promote(std::move(wanted));
    case Step::load_settings:
      co_return co_await load_settings(std::move(wanted));
    case Step::drop_backups:
      LF_CO_OK(co_await drop_all_backups(rds_, wanted));
      co_return co_await change(wanted, [](DbInstance& record) {
        record.last_automated_snapshot.reset();
        record.latest_restorable_at.reset();
      });
    case Step::move_restorable_time: {
      auto moved = co_await archive_now(rds_, wanted);
      if (!moved) co_return std::unexpected(moved.error());
      break;
    }
    case Step::stage_password:
      co_return co_await stage_password(std::move(wanted));
    case Step::publish_password:
      co_return co_await publish_password(std::move(wanted));
    case Step::remove_secrets:
      co_return co_await remove_secrets(std::move(wanted));
    case Step::set_password:
      co_return co_await set_password(std::move(wanted));
    case Step::take_automated_snapshot:
      co_return co_await take_automated_snapshot(std::move(wanted));
    case Step::finish:
      co_return co_await finish(std::move(wanted));
    case Step::take_final_snapshot:
      co_return co_await begin_snapshot(rds_, wanted, wanted.final_snapshot, false, wanted.tags);
    case Step::unmount_volume:
      if (wanted.encrypted())
        LF_CO_OK(co_await rds_.volumes.unmount(archive_volume(wanted.resource_id)));
      co_return co_await rds_.volumes.unmount(volume);
    case Step::mark_stopped:
      co_return co_await rds_.events.record(
          wanted.arn(), {.reason = "notification", .message = "DB instance stopped"});
    case Step::mark_inaccessible:
      co_return co_await mark_inaccessible(std::move(wanted));
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

task<Result<void>> InstanceController::upgrade_minor(DbInstance wanted) {
  const std::string version = co_await newer_minor(wanted);
  if (version.empty()) co_return Result<void>();
  LF_CO_OK(co_await change(wanted, [&](DbInstance& record) { record.engine_version = version; }));
  co_return co_await rds_.events.record(
      wanted.arn(),
      {.reason = "maintenance",
       .message = fmt::format("Database instance is being upgraded to version {}", version)});
}

task<std::string> InstanceController::newer_minor(DbInstance wanted) {
  std::string best;
  for (const host::PostgresInstallation& found : co_await rds_.installations()) {
    const auto upgrade = check_upgrade(wanted.engine_version, found.version);
    if (upgrade && found.version != wanted.engine_version &&
        (best.empty() || host::postgres_version_less(best, found.version)))
      best = found.version;
  }
  co_return best;
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
  const bool encrypted = wanted.encrypted();
  if (encrypted)
    LF_CO_OK(co_await rds_.volumes.create(archive_volume(wanted.resource_id), kArchiveRoom,
                                          {.encrypted = true, .large_files = true}));
  // Before the volume: while that is missing, this step comes again.
  if (wanted.restore_segments)
    LF_CO_OK(co_await take_segments(rds_, wanted.restore_source, wanted, wanted.restore_base_at));
  if (wanted.is_replica()) co_return co_await seed_replica(rds_, wanted, bytes);
  if (wanted.restore_snapshot.empty())
    co_return co_await rds_.volumes.create(volume_of(wanted.resource_id), bytes,
                                           {.encrypted = encrypted});
  co_return co_await rds_.volumes.create_from_snapshot(volume_of(wanted.resource_id),
                                                       wanted.restore_snapshot, bytes);
}

task<Result<void>> InstanceController::mount_volumes(DbInstance wanted) {
  const std::string volume = volume_of(wanted.resource_id);
  if (!wanted.encrypted()) {
    auto mounted = co_await rds_.volumes.mount(volume);
    if (!mounted) co_return std::unexpected(mounted.error());
    co_return Result<void>();
  }
  LF_CO_TRY(key, open_volume_key(rds_, wanted.volume_key));
  LF_CO_OK(co_await rds_.volumes.mount_encrypted(archive_volume(wanted.resource_id), key));
  LF_CO_OK(co_await rds_.volumes.mount_encrypted(volume, key));
  co_return Result<void>();
}

task<Result<void>> InstanceController::start_server(DbInstance wanted) {
  ParameterValues parameters = values_at_start(wanted, find_parameter_group(rds_, wanted));
  LF_CO_TRY(server, co_await server_of(rds_, wanted, parameters));
  LF_CO_OK(add_certificate(rds_, wanted, server));
  // A crash may have come between a mount and its key.
  if (wanted.encrypted()) LF_CO_OK(co_await mount_volumes(wanted));
  auto spec = host::prepare_postgres(server);
  if (!spec) co_return std::unexpected(spec.error());
  auto created = co_await rds_.containers.create(std::move(*spec));
  if (!created) co_return std::unexpected(created.error());
  // Before the start, so that the record never describes an older server than the one that runs.
  LF_CO_OK(co_await change(wanted, [&](DbInstance& record) {
    record.reboots_done = wanted.reboots_wanted;
    record.started_parameter_group = wanted.parameter_group;
    record.started_parameters = parameters;
    record.loaded_settings = host::postgres_settings_digest(server);
    record.certificate_issued_at = rds_.clock.now();
    record.answered = false;
  }));
  auto started = co_await rds_.containers.start(server.id);
  if (!started) co_return std::unexpected(started.error());
  co_return Result<void>();
}

task<Result<void>> InstanceController::load_settings(DbInstance wanted) {
  LF_CO_TRY(server, co_await server_of(rds_, wanted,
                                       values_now(wanted, find_parameter_group(rds_, wanted))));
  LF_CO_OK(add_certificate(rds_, wanted, server));
  LF_CO_OK(host::write_postgres_settings(server));
  LF_CO_OK(co_await host::run_sql(rds_.loop, server, "postgres", "SELECT pg_reload_conf()"));
  co_return co_await change(wanted, [&](DbInstance& record) {
    record.loaded_settings = host::postgres_settings_digest(server);
    record.certificate_issued_at = rds_.clock.now();
  });
}

task<Result<void>> InstanceController::stop_server(DbInstance wanted) {
  auto stopped = co_await rds_.containers.stop(container_of(wanted), kStopGrace);
  if (!stopped && stopped.error().code != "container-unknown")
    co_return std::unexpected(stopped.error());
  co_return co_await rds_.containers.remove(container_of(wanted));
}

task<Result<void>> InstanceController::take_automated_snapshot(DbInstance wanted) {
  const TimePoint now = rds_.clock.now();
  LF_CO_OK(co_await begin_snapshot(rds_, wanted, automated_snapshot_name(wanted.identifier, now),
                                   true, {}));
  LF_CO_OK(co_await rds_.events.record(wanted.arn(),
                                       {.reason = "backup", .message = "Backing up DB instance"}));
  LF_CO_OK(
      co_await change(wanted, [&](DbInstance& record) { record.last_automated_snapshot = now; }));
  co_return co_await drop_expired_backups(rds_, std::move(wanted));
}

task<Result<void>> InstanceController::finish(DbInstance wanted) {
  const Scope scope = wanted.scope();
  const auto interface = rds_.ec2.find_interface(scope, wanted.interface_id);
  if (!interface) co_return fail("interface-missing", "the network interface is gone", 500);
  const std::string name = endpoint_name(wanted);
  ec2::DnsName dns{.scope = scope,
                   .name = name,
                   .owner = interface_owner(wanted),
                   .vpc_id = interface->vpc_id,
                   .private_addresses = {interface->private_address},
                   .public_addresses = {}};
  if (interface->public_address) dns.public_addresses.push_back(*interface->public_address);
  LF_CO_OK(co_await rds_.ec2.register_name(std::move(dns)));
  // The server may be down: then at the next time.
  if (!wanted.is_replica()) (void)co_await drop_stale_slots(rds_, wanted);
  const bool first = !wanted.available_at;
  LF_CO_OK(co_await change(wanted, [&](DbInstance& record) {
    record.endpoint = name;
    record.private_address = interface->private_address.str();
    record.public_address = interface->public_address ? interface->public_address->str() : "";
    record.availability_zone = interface->availability_zone;
    if (!record.available_at) record.available_at = rds_.clock.now();
    record.status = "available";
    record.consecutive_failures = 0;
    record.answered = true;
    reconcile::set_condition(record.conditions,
                             {"Available", reconcile::Status::yes, "ServerAnswers", "", ""},
                             rds_.clock.now());
  }));
  co_return co_await rds_.events.record(
      wanted.arn(), {.reason = first ? "creation" : "availability",
                     .message = first ? "DB instance created" : "DB instance restarted"});
}

task<Result<void>> InstanceController::mark_inaccessible(DbInstance wanted) {
  const std::string message = fmt::format(
      "The KMS key {} of the storage cannot be accessed: enable it or cancel its "
      "deletion, then start the DB instance",
      wanted.volume_key.kms_key_arn);
  LF_CO_OK(co_await change(wanted, [&](DbInstance& record) {
    record.inaccessible_since = rds_.clock.now();
    reconcile::set_condition(
        record.conditions, {"Available", reconcile::Status::no, "KMSKeyNotAccessible", message, ""},
        rds_.clock.now());
  }));
  co_return co_await rds_.events.record(wanted.arn(), {.reason = "failure", .message = message});
}

task<Result<void>> InstanceController::forget(DbInstance wanted) {
  const Tables tables = rds_.tables(wanted.scope());
  // Those that the user took stay in any case.
  if (wanted.is_replica()) LF_CO_OK(co_await drop_slot(rds_, wanted));
  const bool keep = wanted.keep_backups && restorable_window(rds_, wanted);
  if (!keep) LF_CO_OK(co_await drop_all_backups(rds_, wanted));
  if (!wanted.master_secret.empty()) wanted.old_secrets.push_back(wanted.master_secret);
  for (const MasterSecret& secret : wanted.old_secrets)
    LF_CO_OK(co_await remove_secret(rds_, wanted.scope(), secret));
  const std::filesystem::path folder = state_folder(rds_, wanted.resource_id);
  LF_CO_OK(co_await rds_.loop.run_blocking([folder] { return io::remove_tree(folder); }));
  store::Transaction transaction{
      {}, {tables.instances.remove(wanted.identifier), rds_.events.forget(wanted.arn())}};
  if (keep)
    transaction.operations.push_back(tables.retained_backups.put(wanted.resource_id, wanted));
  auto done = co_await rds_.store.commit(std::move(transaction));
  if (!done) co_return std::unexpected(done.error());
  co_return Result<void>();
}

}  // namespace landfall::rds
