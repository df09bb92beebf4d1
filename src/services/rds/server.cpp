#include "services/rds/server.h"

#include <thread>

#include "base/bytes.h"
#include "host/volumes/encryption.h"
#include "services/rds/classes.h"
#include "services/rds/replicas.h"

namespace landfall::rds {

std::string container_of(const DbInstance& instance) { return "rds-" + instance.resource_id; }
std::string volume_of(const std::string& resource_id) { return "rds-" + resource_id; }
std::string interface_owner(const DbInstance& instance) { return "rds:db/" + instance.resource_id; }

std::filesystem::path state_folder(const Rds& rds, const std::string& resource_id) {
  return rds.instance.data_dir / "rds" / resource_id;
}

std::string archive_volume(const std::string& resource_id) { return "rds-archive-" + resource_id; }

std::filesystem::path archive_folder(const Rds& rds, const std::string& resource_id,
                                     bool encrypted) {
  const auto& data = rds.instance.data_dir;
  return encrypted ? data / "volumes/mounts" / archive_volume(resource_id) /
                         host::kEncryptedFolder / "segments"
                   : data / "rds-archive" / resource_id;
}

std::filesystem::path replay_folder(const Rds& rds, const DbInstance& instance) {
  if (!instance.encrypted()) return state_folder(rds, instance.resource_id) / "restore";
  return archive_folder(rds, instance.resource_id, true).parent_path() / "restore";
}

std::string endpoint_name(const DbInstance& instance) {
  // The label is the same for every instance of an account in a region, as on AWS.
  const std::string label =
      "c" + hex_encode(sha256(instance.account + "/" + instance.region)).substr(0, 11);
  return fmt::format("{}.{}.{}.rds.landfall.test", instance.identifier, label, instance.region);
}

std::string configuration_of(const DbInstance& instance) {
  return sha256_hex(fmt::format("{}\n{}\n{}\n", instance.engine_version, instance.instance_class,
                                instance.port))
      .substr(0, 16);
}

host::PostgresServer server_to_ask(const Rds& rds, const DbInstance& instance) {
  host::PostgresServer server;
  server.id = container_of(instance);
  server.data_folder =
      rds.instance.data_dir / "volumes" / "mounts" / volume_of(instance.resource_id);
  if (instance.encrypted()) server.data_folder /= host::kEncryptedFolder;
  server.state_folder = state_folder(rds, instance.resource_id);
  server.port = std::uint16_t(instance.port);
  return server;
}

task<Result<host::PostgresServer>> server_of(Rds& rds, DbInstance instance,
                                             ParameterValues parameters) {
  host::PostgresServer server = server_to_ask(rds, instance);
  auto installed =
      co_await host::find_postgres_version(rds.loop, rds.engines, instance.engine_version);
  if (!installed) {
    co_return fail("engine-missing",
                   fmt::format("PostgreSQL {} is not installed", instance.engine_version), 500);
  }
  server.installation = std::move(*installed);
  const auto size = find_instance_class(instance.instance_class);
  if (!size) co_return fail("class-unknown", "unknown class " + instance.instance_class, 500);
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
  server.memory_bytes = size->memory_mib << 20;
  server.cpu_millicores = std::uint64_t(std::min<unsigned>(cores, unsigned(size->vcpus))) * 1000;
  server.master_user = instance.master_user;
  server.master_verifier = instance.master_verifier;
  server.database = instance.database;
  server.tls = true;
  server.require_tls = parameters["rds.force_ssl"] == "1";
  server.parameters = std::move(parameters);
  server.archive_folder = archive_folder(rds, instance.resource_id, instance.encrypted());
  server.archiving = instance.backup_retention_days > 0;
  if (instance.restore_segments)
    server.recovery = {replay_folder(rds, instance), instance.restore_until};
  if (const auto source = source_of(rds, instance)) {
    const host::PostgresServer primary = server_to_ask(rds, *source);
    server.primary = {host::postgres_socket_folder(primary), primary.port, slot_of(instance)};
  }
  if (auto interface = rds.ec2.find_interface(instance.scope(), instance.interface_id))
    server.network_namespace = interface->namespace_path;
  server.labels = {{"rds", instance.resource_id}, {"configuration", configuration_of(instance)}};
  co_return server;
}

Result<void> add_certificate(const Rds& rds, const DbInstance& instance,
                             host::PostgresServer& server) {
  LF_TRY(issued, rds.authority.issue({endpoint_name(instance)}));
  server.certificate = issued.certificate + issued.key;
  return {};
}

}  // namespace landfall::rds
