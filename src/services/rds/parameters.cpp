#include "services/rds/parameters.h"

#include "base/log.h"
#include "services/rds/classes.h"
#include "services/rds/formula.h"

namespace landfall::rds {
namespace {

// Where the data is, who may connect, and what would lose acknowledged commits: not the user's.
constexpr std::array kOurs = {
    "allow_system_table_mods",
    "archive_",
    "backtrace_functions",
    "bonjour",
    "cluster_name",
    "config_file",
    "data_directory",
    "data_sync",
    "debug_",
    "dynamic_library_path",
    "dynamic_shared",
    "event_source",
    "external_pid_file",
    "fsync",
    "full_page_writes",
    "hba_file",
    "hot_standby",
    "huge_page_size",
    "ident_file",
    "ignore_",
    "jit_provider",
    "krb_",
    "listen_",
    "local_preload",
    "log_destination",
    "log_directory",
    "log_file",
    "log_line_prefix",
    "log_rotation",
    "log_timezone",
    "log_truncate",
    "logging_",
    "max_stack_depth",
    "port",
    "post_auth",
    "pre_auth",
    "primary_",
    "promote_",
    "recovery_",
    "reserved_connections",
    "restart_after",
    "restore_command",
    "session_preload",
    "shared_memory_",
    "ssl_ca",
    "ssl_cert",
    "ssl_crl",
    "ssl_dh",
    "ssl_ecdh",
    "ssl_key",
    "ssl_pass",
    "ssl_prefer",
    "stats_temp",
    "superuser_",
    "synchronous_standby",
    "syslog_",
    "trace_",
    "unix_socket",
    "wal_consistency",
    "wal_level",
    "wal_sync",
    "zero_damaged",
};
constexpr std::array kLibraries = {"auto_explain", "pg_prewarm", "pg_stat_statements"};

bool modifiable(const host::PostgresSetting& setting) {
  if (setting.context == "internal" || setting.name == "ssl") return false;
  return !std::ranges::any_of(kOurs, [&](auto mine) { return setting.name.starts_with(mine); });
}

host::PostgresSetting boolean(std::string name, std::string context, std::string value,
                              std::string description) {
  return {std::move(name),       std::move(context), "BOOLEAN", std::move(value), "", "", {},
          std::move(description)};
}
host::PostgresSetting integer(std::string name, std::string context, std::string value,
                              std::string least, std::string most, std::string description) {
  return {std::move(name),  std::move(context), "INTEGER", std::move(value),
          std::move(least), std::move(most),    {},        std::move(description)};
}

// RDS's own parameters, and those of the libraries that can be loaded.
std::vector<host::PostgresSetting> more_settings() {
  return {
      boolean("rds.force_ssl", "sighup", "1", "Refuse connections without TLS."),
      boolean("rds.logical_replication", "postmaster", "0", "Enables logical decoding."),
      integer("rds.log_retention_period", "sighup", "4320", "1440", "10080",
              "Log files older than this many minutes are deleted."),
      integer("pg_stat_statements.max", "postmaster", "5000", "100", "2147483647",
              "Sets the maximum number of statements tracked by pg_stat_statements."),
      {"pg_stat_statements.track",
       "superuser",
       "ENUM",
       "top",
       "",
       "",
       {"none", "top", "all"},
       "Selects which statements are tracked by pg_stat_statements."},
      boolean("pg_stat_statements.track_utility", "superuser", "1",
              "Selects whether utility commands are tracked by pg_stat_statements."),
      boolean("pg_stat_statements.track_planning", "superuser", "0",
              "Selects whether planning duration is tracked by pg_stat_statements."),
      boolean("pg_stat_statements.save", "sighup", "1",
              "Save pg_stat_statements statistics across server shutdowns."),
      integer("auto_explain.log_min_duration", "superuser", "-1", "-1", "2147483647",
              "Sets the minimum execution time above which plans will be logged."),
      boolean("auto_explain.log_analyze", "superuser", "0",
              "Use EXPLAIN ANALYZE for plan logging."),
      boolean("auto_explain.log_buffers", "superuser", "0", "Log buffers usage."),
      boolean("auto_explain.log_verbose", "superuser", "0",
              "Use EXPLAIN VERBOSE for plan logging."),
      boolean("auto_explain.log_nested_statements", "superuser", "0", "Log nested statements."),
      boolean("auto_explain.log_timing", "superuser", "1", "Collect timing data, not just counts."),
  };
}

std::unexpected<Error> bad_value(const ParameterFacts& facts, const std::string& value) {
  const std::string allowed = facts.allowed_values();
  return fail("InvalidParameterValue",
              fmt::format("Invalid parameter value: {} for: {}{}{}", value, facts.setting.name,
                          allowed.empty() ? "" : " allowed values are: ", allowed));
}

bool is_number_between(const std::string& value, const host::PostgresSetting& setting) {
  const auto read = [](const std::string& text) -> std::optional<double> {
    double number = 0;
    const auto end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, number);
    if (text.empty() || parsed.ec != std::errc() || parsed.ptr != end) return {};
    return number;
  };
  const auto number = read(value);
  if (!number || (setting.type == "INTEGER" && value.find_first_of(".eE") != std::string::npos))
    return false;
  const auto least = read(setting.least), most = read(setting.most);
  return (!least || *number >= *least) && (!most || *number <= *most);
}

std::string evaluated(const DbInstance& instance, const std::string& value) {
  const auto size = find_instance_class(instance.instance_class);
  const FormulaInputs inputs{size ? std::int64_t(size->memory_mib) << 20 : 0,
                             std::int64_t(instance.allocated_storage_gib) << 30,
                             size ? size->vcpus : 1, instance.port};
  auto result = evaluate_formula(value, inputs);
  if (result) return std::move(*result);
  log::warning("rds", "{}: {}: {}", instance.identifier, value, result.error().message);
  return value;
}

// rds.logical_replication stands for settings that are not the user's.
void add_derived(ParameterValues& values) {
  values["wal_level"] = values["rds.logical_replication"] == "1" ? "logical" : "replica";
}

}  // namespace

std::string ParameterFacts::allowed_values() const {
  if (setting.type == "BOOLEAN") return "0,1";
  if (setting.type == "ENUM") return fmt::format("{}", fmt::join(setting.choices, ","));
  if (setting.name == "shared_preload_libraries")
    return fmt::format("{}", fmt::join(kLibraries, ","));
  if (setting.least.empty() || setting.most.empty()) return "";
  return fmt::format("{}-{}", setting.least, setting.most);
}

std::string ParameterFacts::data_type() const {
  if (setting.type == "BOOLEAN") return "boolean";
  if (setting.type == "INTEGER") return "integer";
  return setting.type == "REAL" ? "float" : "string";
}

ParameterValues standard_values(std::string_view version) {
  int major = 0;
  std::from_chars(version.data(), version.data() + version.size(), major);
  return {
      {"archive_timeout", "300"},
      {"effective_cache_size", "{DBInstanceClassMemory/16384}"},
      {"maintenance_work_mem", "GREATEST({DBInstanceClassMemory*1024/63963136},65536)"},
      {"max_connections", "LEAST({DBInstanceClassMemory/9531392},5000)"},
      {"password_encryption", "scram-sha-256"},
      {"rds.force_ssl", major >= 15 ? "1" : "0"},
      {"rds.logical_replication", "0"},
      {"rds.log_retention_period", "4320"},
      {"shared_buffers", "{DBInstanceClassMemory/32768}"},
      {"shared_preload_libraries", "pg_stat_statements"},
      {"ssl_min_protocol_version", "TLSv1.2"},
      {"timezone", "UTC"},
  };
}

task<Result<std::shared_ptr<const ParameterCatalogue>>> parameter_catalogue(Rds& rds,
                                                                            std::string family) {
  for (const host::PostgresInstallation& found : co_await rds.installations()) {
    if (family != fmt::format("postgres{}", found.major())) continue;
    if (const auto known = rds.catalogues.find(found.version); known != rds.catalogues.end())
      co_return known->second;
    auto described = co_await host::describe_settings(rds.loop, found);
    if (!described) co_return std::unexpected(described.error());
    auto catalogue = std::make_shared<ParameterCatalogue>();
    for (host::PostgresSetting& setting : *described) {
      // The engine spells some as "TimeZone"; AWS lists all in small letters.
      std::ranges::transform(setting.name, setting.name.begin(),
                             [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
      const bool may = modifiable(setting);
      std::string name = setting.name;
      (*catalogue)[std::move(name)] = {std::move(setting), may, "", false};
    }
    for (host::PostgresSetting& setting : more_settings()) {
      std::string name = setting.name;
      (*catalogue)[std::move(name)] = {std::move(setting), true, "", true};
    }
    for (const auto& [name, value] : standard_values(found.version)) {
      const auto at = catalogue->find(name);
      if (at != catalogue->end()) at->second.standard = value;
    }
    rds.catalogues[found.version] = catalogue;
    co_return catalogue;
  }
  co_return fail("InvalidParameterValue",
                 fmt::format("ParameterGroupFamily {} is not a valid parameter group family; no "
                             "version of it is installed",
                             family));
}

task<Result<void>> check_parameter(Rds& rds, std::string family, ParameterFacts facts,
                                   std::string value) {
  const host::PostgresSetting& setting = facts.setting;
  const bool printable =
      std::ranges::all_of(value, [](unsigned char c) { return c >= ' ' && c != 0x7f; });
  if (!printable || value.size() > 8192) co_return bad_value(facts, value);
  if (is_formula(value)) {
    // Whatever the class: the evaluated value must lie within the bounds for the smallest.
    const FormulaInputs smallest{std::int64_t(1) << 30, std::int64_t(20) << 30, 1, 5432};
    LF_CO_TRY(number, evaluate_formula(value, smallest));
    value = number;
  }
  if (setting.type == "BOOLEAN" && value != "0" && value != "1") co_return bad_value(facts, value);
  if ((setting.type == "INTEGER" || setting.type == "REAL") && !is_number_between(value, setting))
    co_return bad_value(facts, value);
  if (setting.type == "ENUM" && std::ranges::find(setting.choices, value) == setting.choices.end())
    co_return bad_value(facts, value);
  if (setting.name == "shared_preload_libraries") {
    for (std::size_t at = 0; at <= value.size() && !value.empty();) {
      const std::size_t end = std::min(value.find(',', at), value.size());
      if (std::ranges::find(kLibraries, std::string_view(value).substr(at, end - at)) ==
          kLibraries.end())
        co_return bad_value(facts, value);
      at = end + 1;
    }
  }
  if (facts.ours_to_check) co_return Result<void>();
  for (const host::PostgresInstallation& found : co_await rds.installations()) {
    if (family != fmt::format("postgres{}", found.major())) continue;
    auto checked = co_await host::check_setting(rds.loop, found, setting.name, value);
    if (!checked && checked.error().code == "invalid-setting")
      co_return fail("InvalidParameterValue",
                     fmt::format("Invalid parameter value: {} for: {}: {}", value, setting.name,
                                 checked.error().message));
    co_return checked;
  }
  co_return Result<void>();
}

std::optional<DbParameterGroup> find_parameter_group(Rds& rds, const DbInstance& instance) {
  auto row = rds.tables(instance.scope()).parameter_groups.get(instance.parameter_group);
  if (!row) return {};
  return std::move(row->value);
}

ParameterValues values_at_start(const DbInstance& instance,
                                const std::optional<DbParameterGroup>& group) {
  ParameterValues values = standard_values(instance.engine_version);
  if (group) {
    for (const auto& [name, setting] : group->parameters)
      if (setting.value) values[name] = *setting.value;
  }
  for (auto& [name, value] : values) value = evaluated(instance, value);
  add_derived(values);
  return values;
}

ParameterValues values_now(const DbInstance& instance,
                           const std::optional<DbParameterGroup>& group) {
  if (instance.started_parameters.empty()) return values_at_start(instance, group);
  if (instance.started_parameter_group != instance.parameter_group || !group)
    return instance.started_parameters;
  const ParameterValues next = values_at_start(instance, group);
  ParameterValues values = instance.started_parameters;
  for (const auto& [name, setting] : group->parameters) {
    if (!setting.immediate) continue;
    const auto found = next.find(name);
    if (found == next.end()) {
      values.erase(name);
    } else {
      values[name] = found->second;
    }
  }
  return values;
}

std::string apply_status(const DbInstance& instance, const std::optional<DbParameterGroup>& group) {
  if (instance.started_parameters.empty()) return "in-sync";
  if (instance.started_parameter_group != instance.parameter_group) return "pending-reboot";
  return values_now(instance, group) == values_at_start(instance, group) ? "in-sync"
                                                                         : "pending-reboot";
}

}  // namespace landfall::rds
