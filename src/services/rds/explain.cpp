#include "services/rds/explain.h"

#include "services/ec2/port.h"
#include "services/rds/log_export.h"
#include "services/rds/log_files.h"
#include "services/rds/server.h"
#include "services/rds/state.h"

namespace landfall::rds {
namespace {

using reconcile::Explanation;
using reconcile::Finding;
using reconcile::Severity;

constexpr auto kRecent = std::chrono::minutes(15);
constexpr std::size_t kLinesRead = 2000;
constexpr int kFullPercent = 90;

std::optional<DbInstance> find(Rds& rds, const Scope& scope, std::string reference) {
  if (const auto arn = Arn::parse(reference)) {
    if (arn->service != "rds" || !arn->resource.starts_with("db:")) return {};
    reference = arn->resource.substr(3);
  }
  if (auto found = find_instance(rds, scope, reference)) return std::move(*found);
  for (auto& row : rds.tables(scope).instances.list()) {
    if (row.value.resource_id == reference || row.value.endpoint == reference)
      return std::move(row.value);
  }
  return {};
}

// The text between two marks; empty when they are not there.
std::string between(std::string_view text, std::string_view begin, std::string_view end) {
  const std::size_t at = text.find(begin);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + begin.size());
  const std::size_t stop = text.find(end);
  return stop == std::string_view::npos ? std::string() : std::string(text.substr(0, stop));
}

std::string recent_log(Rds& rds, const DbInstance& instance) {
  const auto folder = host::postgres_log_folder(server_to_ask(rds, instance));
  std::string out;
  auto files = list_log_files(folder);
  // The last two: an hour may just have begun.
  if (files.size() > 2) files.erase(files.begin(), files.end() - 2);
  for (const LogFile& file : files) {
    if (auto portion = read_log_portion(folder / file.name, {}, kLinesRead)) out += portion->text;
  }
  return out;
}

void look_at_state(const DbInstance& instance, Explanation& out) {
  if (instance.wanted == Wanted::stopped) {
    out.findings.push_back(
        {.severity = Severity::problem,
         .reason = "InstanceStopped",
         .message = fmt::format("{} is {}: nothing answers at its endpoint", instance.identifier,
                                instance.status),
         .advice = fmt::format("aws rds start-db-instance --db-instance-identifier {}",
                               instance.identifier)});
  } else if (instance.inaccessible_since) {
    const std::string& key = instance.volume_key.kms_key_arn;
    out.findings.push_back(
        {.severity = Severity::problem,
         .reason = "StorageKeyNotAccessible",
         .message = fmt::format("the storage of {} is encrypted under {}, which is disabled, "
                                "waits for its deletion, or is gone",
                                instance.identifier, key),
         .advice = fmt::format("aws kms enable-key --key-id {} && aws rds start-db-instance "
                               "--db-instance-identifier {}",
                               key, instance.identifier)});
  } else if (instance.is_replica() && instance.replication == "error") {
    out.findings.push_back(
        {.severity = Severity::problem,
         .reason = "ReplicationBroken",
         .message = fmt::format("{} does not receive what {} writes", instance.identifier,
                                instance.replica_source),
         .advice = fmt::format("aws rds reboot-db-instance --db-instance-identifier {}",
                               instance.identifier)});
  } else if (instance.status == "incompatible-parameters") {
    out.findings.push_back(
        {.severity = Severity::problem,
         .reason = "IncompatibleParameters",
         .message = fmt::format("the server does not start with the parameter group {}",
                                instance.parameter_group),
         .advice = fmt::format("aws rds reset-db-parameter-group --db-parameter-group-name {} "
                               "--reset-all-parameters",
                               instance.parameter_group)});
  }
}

void look_at_reachability(Rds& rds, const DbInstance& instance, Explanation& out) {
  if (!instance.publicly_accessible || instance.interface_id.empty()) return;
  const auto verdict = ec2::reachable_from_outside(
      rds.ec2, instance.scope(), {instance.interface_id, {}}, "tcp", std::uint16_t(instance.port));
  if (verdict.allowed) return;
  out.findings.push_back(
      {.severity = Severity::warning,
       .reason = "NotReachableFromOutside",
       .message = fmt::format("{} is publicly accessible, but port {} does not answer from "
                              "outside: {}",
                              instance.identifier, instance.port, verdict.why),
       .advice = verdict.remedy});
}

void look_at_storage(Rds& rds, const DbInstance& instance, Explanation& out) {
  const auto usage = rds.volumes.usage(volume_of(instance.resource_id));
  if (!usage || usage->size_bytes == 0) return;
  const auto percent = (usage->size_bytes - usage->free_bytes) * 100 / usage->size_bytes;
  if (percent < kFullPercent) return;
  out.findings.push_back(
      {.severity = usage->free_bytes < (64 << 20) ? Severity::problem : Severity::warning,
       .reason = "StorageFull",
       .message = fmt::format("{} % of the {} GiB of {} are used", percent,
                              instance.allocated_storage_gib, instance.identifier),
       .advice = fmt::format("aws rds modify-db-instance --db-instance-identifier {} "
                             "--allocated-storage {} --apply-immediately",
                             instance.identifier, instance.allocated_storage_gib * 2)});
}

task<void> look_at_log(Rds& rds, DbInstance instance, Explanation& out) {
  const std::string log =
      co_await rds.loop.run_blocking([&rds, instance] { return recent_log(rds, instance); });
  const RefusedClients refused = read_refusals(log, rds.clock.now() - kRecent);
  for (const std::string& database : refused.missing_databases) {
    // It may have been created since.
    auto there = co_await host::run_sql(
        rds.loop, server_to_ask(rds, instance), "postgres",
        "SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1");
    std::string names = there.value_or("");
    if (("\n" + names).contains("\n" + database + "\n")) continue;
    while (names.ends_with('\n')) names.pop_back();
    std::ranges::replace(names, '\n', ' ');
    out.findings.push_back(
        {.severity = Severity::problem,
         .reason = "DatabaseMissing",
         .message = fmt::format("database \"{}\" does not exist on {}; there are: {}", database,
                                instance.identifier, names),
         .advice =
             fmt::format("psql -h {} -p {} -U {} postgres -c 'CREATE DATABASE \"{}\"', or name "
                         "one of the others in the client's configuration",
                         instance.endpoint, instance.port, instance.master_user, database)});
  }
  for (const auto& [user, count] : refused.wrong_passwords) {
    out.findings.push_back(
        {.severity = Severity::warning,
         .reason = "PasswordRefused",
         .message = fmt::format("user \"{}\" was refused {} times in the last {} minutes: wrong "
                                "password or no such user",
                                user, count, kRecent.count()),
         .advice = user == instance.master_user
                       ? fmt::format("aws rds modify-db-instance --db-instance-identifier {} "
                                     "--master-user-password NEW --apply-immediately",
                                     instance.identifier)
                       : ""});
  }
  for (const auto& [client, count] : refused.without_tls) {
    out.findings.push_back(
        {.severity = Severity::warning,
         .reason = "TlsRequired",
         .message = fmt::format("{} tried {} times to connect without TLS, which rds.force_ssl "
                                "forbids",
                                client, count),
         .advice = "connect with sslmode=require, or set rds.force_ssl=0 in a parameter group"});
  }
  if (refused.too_many > 0) {
    out.findings.push_back({.severity = Severity::problem,
                            .reason = "TooManyConnections",
                            .message = fmt::format("{} connections were refused because all of "
                                                   "max_connections were in use",
                                                   refused.too_many),
                            .advice = "use a connection pool or a larger instance class"});
  }
  if (!refused.disk_full.empty()) {
    out.findings.push_back(
        {.severity = Severity::problem,
         .reason = "StorageFull",
         .message = refused.disk_full,
         .advice = fmt::format("aws rds modify-db-instance "
                               "--db-instance-identifier {} --allocated-storage "
                               "{} --apply-immediately",
                               instance.identifier, instance.allocated_storage_gib * 2)});
  }
}

}  // namespace

RefusedClients read_refusals(std::string_view log, TimePoint since) {
  RefusedClients out;
  std::size_t used = 0;
  for (const logs::Line& line : parse_log(log, {}, used)) {
    const std::string_view text = line.text;
    if (line.time < since) continue;
    if (text.contains("FATAL:  database \"")) {
      if (auto name = between(text, "database \"", "\" does not exist"); !name.empty())
        out.missing_databases.insert(std::move(name));
    } else if (text.contains("FATAL:  password authentication failed")) {
      ++out.wrong_passwords[between(text, "for user \"", "\"")];
    } else if (text.contains("FATAL:  no pg_hba.conf entry") && text.contains("no encryption")) {
      ++out.without_tls[between(text, "for host \"", "\"")];
    } else if (text.contains("FATAL:  sorry, too many clients") ||
               text.contains("FATAL:  remaining connection slots are reserved")) {
      ++out.too_many;
    } else if (text.contains("No space left on device")) {
      const std::size_t at = text.find(":  ");
      out.disk_full = text.substr(at == std::string_view::npos ? 0 : at + 3);
    }
  }
  return out;
}

task<std::optional<Explanation>> explain(Rds& rds, Scope scope, std::string reference) {
  const auto instance = find(rds, scope, reference);
  if (!instance) co_return std::nullopt;
  Explanation out{
      .resource = instance->arn(),
      .kind = "DB instance",
      .state = fmt::format("{}, PostgreSQL {}", instance->status, instance->engine_version)};
  look_at_state(*instance, out);
  for (Finding& finding : reconcile::findings_of(instance->conditions)) {
    if (instance->wanted == Wanted::running) out.findings.push_back(std::move(finding));
  }
  look_at_reachability(rds, *instance, out);
  look_at_storage(rds, *instance, out);
  if (instance->status == "available") co_await look_at_log(rds, *instance, out);
  co_return out;
}

}  // namespace landfall::rds
