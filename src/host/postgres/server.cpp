#include "host/postgres/server.h"

#include <unistd.h>

#include "base/bytes.h"
#include "io/files.h"
#include "io/process.h"

namespace landfall::host {
namespace fs = std::filesystem;
namespace {

constexpr unsigned kUser = 999;  // "postgres" inside the container

// Interrupted before the marker is on disk, the next start begins anew; nothing has been answered
// from such data yet.
constexpr std::string_view kStartScript = R"sh(#!/bin/sh
set -eu
data=/data/pgdata
if [ ! -e /data/initialised ]; then
  echo "initialising the database"
  rm -rf "$data"
  "$ENGINE/bin/initdb" -D "$data" -U rdsadmin --encoding=UTF8 --locale=C.UTF-8 --data-checksums \
    --auth-local=trust --auth-host=scram-sha-256 --no-instructions
  "$ENGINE/bin/postgres" --single -D "$data" postgres < /config/bootstrap.sql
  touch /data/initialised
  sync
fi
# The server removes the signal at the end of the recovery; it must not be given again.
if [ -n "${RECOVERY:-}" ] && [ ! -e "/data/recovery-of-$RECOVERY" ]; then
  touch "$data/recovery.signal" "/data/recovery-of-$RECOVERY"
  sync
fi
# Once: a promoted server removes the signal, and must not follow again. A copy of a follower's data
# that is to serve alone must not either.
if [ -z "${STANDBY:-}" ]; then
  rm -f "$data/standby.signal"
elif [ ! -e "/data/standby-of-$STANDBY" ]; then
  touch "$data/standby.signal" "/data/standby-of-$STANDBY"
  sync
fi
mkdir -p /data/log/error
rm -f "$data/postmaster.pid"
exec "$ENGINE/bin/postgres" -D "$data" -c config_file=/config/postgresql.conf
)sh";

// Called for each finished segment with its path and name. Segments that were cut short by a switch
// are mostly zeros, which take no space.
constexpr std::string_view kArchiveScript = R"sh(#!/bin/sh
set -eu
if [ -e "/archive/$2" ]; then exec cmp -s "$1" "/archive/$2"; fi
cp --sparse=always "$1" "/archive/.$2"
sync "/archive/.$2"
mv "/archive/.$2" "/archive/$2"
sync /archive
)sh";

// Without `map`, any account of the container could become rdsadmin, but the container has only
// one: the server's own.
std::string host_based_access(const PostgresServer& server) {
  return fmt::format(
      "local all rdsadmin trust\n"
      "local replication rdsadmin trust\n"
      "host all rdsadmin 0.0.0.0/0 reject\n"
      "{} all all 0.0.0.0/0 scram-sha-256\n",
      server.require_tls ? "hostssl" : "host");
}

std::string bootstrap(const PostgresServer& server) {
  // Single-user mode reads one statement a line.
  std::string sql =
      "CREATE ROLE rds_superuser NOLOGIN CREATEDB CREATEROLE\n"
      "GRANT pg_monitor, pg_signal_backend TO rds_superuser WITH ADMIN OPTION\n";
  const std::string master = sql_name(server.master_user);
  sql += fmt::format("CREATE ROLE {} LOGIN CREATEDB CREATEROLE PASSWORD {} IN ROLE rds_superuser\n",
                     master, sql_text(server.master_verifier));
  sql += fmt::format("ALTER DATABASE postgres OWNER TO {}\n", master);
  if (!server.database.empty() && server.database != "postgres") {
    sql += fmt::format("CREATE DATABASE {} OWNER {}\n", sql_name(server.database), master);
  }
  return sql;
}

// In postgresql.conf a backslash escapes; a line break cannot be written otherwise.
std::string setting_text(std::string_view value) {
  std::string out = "'";
  for (const char c : value) {
    if (c == '\'') {
      out += "''";
    } else if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + '\'';
}

std::string configuration(const PostgresServer& server) {
  std::map<std::string, std::string> settings = server.parameters;
  const std::vector<std::pair<std::string, std::string>> fixed = {
      {"listen_addresses", "*"},
      {"port", std::to_string(server.port)},
      {"unix_socket_directories", "/run/postgresql"},
      {"hba_file", "/config/pg_hba.conf"},
      {"log_line_prefix", "%t:%r:%u@%d:[%p]:"},
      {"log_timezone", "UTC"},
      {"logging_collector", "on"},
      {"log_destination", "stderr"},
      {"log_directory", "/data/log/error"},
      {"log_filename", "postgresql.log.%Y-%m-%d-%H"},
      {"log_file_mode", "0640"},
      {"log_rotation_age", "60"},
      {"log_truncate_on_rotation", "off"},
      {"ssl", server.tls ? "on" : "off"},
      {"ssl_cert_file", "/config/server.pem"},
      {"ssl_key_file", "/config/server.pem"},
      // Switching it takes a restart, the command does not.
      {"archive_mode", "on"},
      {"archive_command", server.archiving ? "/config/archive %p %f" : "/bin/true"},
  };
  for (const auto& [name, value] : fixed) settings[name] = value;
  if (server.recovery) {
    settings["restore_command"] = "cp /restore/%f %p";
    settings["recovery_target_action"] = "promote";
    // Nobody may connect before the data is what it is to be.
    settings["hot_standby"] = "off";
    if (server.recovery->until) {
      // Zones by name are not known when this is read.
      std::string until = format_iso8601(*server.recovery->until, true);
      until.replace(until.find('Z'), 1, "+00");
      settings["recovery_target_time"] = until;
    }
  }
  if (server.primary) {
    settings["primary_conninfo"] = fmt::format(
        "host=/source port={} user=rdsadmin application_name={}", server.primary->port, server.id);
    settings["primary_slot_name"] = server.primary->slot;
  }
  std::string text = "# Written by Landfall.\n";
  for (const auto& [name, value] : settings)
    text += fmt::format("{} = {}\n", name, setting_text(value));
  return text;
}

Result<void> own(const fs::path& path) {
  if (::chown(path.c_str(), kUser, kUser) < 0) return fail_errno("chown " + path.string(), errno);
  return {};
}

// Folders to mount over, links as Debian's merged /usr has them, and an account for initdb to find.
Result<void> write_root(const fs::path& root) {
  for (const char* name : {"etc", "usr", "tmp", "data", "config", "engine", "archive", "restore",
                           "source", "run/postgresql", "dev", "proc", "sys"}) {
    LF_OK(io::make_directories(root / name));
  }
  for (const char* name : {"bin", "sbin", "lib", "lib64"}) {
    if (::symlink(fmt::format("usr/{}", name).c_str(), (root / name).c_str()) < 0 &&
        errno != EEXIST) {
      return fail_errno("link " + (root / name).string(), errno);
    }
  }
  LF_OK(io::write_file(
      root / "etc/passwd",
      fmt::format("root:x:0:0::/:/usr/sbin/nologin\npostgres:x:{0}:{0}::/data:/bin/sh\n", kUser)));
  return io::write_file(root / "etc/group", fmt::format("root:x:0:\npostgres:x:{}:\n", kUser));
}

fs::path client_program() {
  // Debian's own /usr/bin/psql is a Perl wrapper that takes longer than the query.
  std::error_code ignored;
  fs::path best = "psql";
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
    if (fs::exists(entry.path() / "bin/psql", ignored)) best = entry.path() / "bin/psql";
  }
  return best;
}

}  // namespace

std::string sql_name(std::string_view name) {
  std::string out = "\"";
  for (char c : name) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + '"';
}

std::string sql_text(std::string_view text) {
  std::string out = "'";
  for (char c : text) out += c == '\'' ? "''" : std::string(1, c);
  return out + '\'';
}

fs::path postgres_socket_folder(const PostgresServer& server) {
  return server.state_folder / "run";
}

fs::path postgres_log_folder(const PostgresServer& server) {
  return server.data_folder / "log" / "error";
}

std::string postgres_settings_digest(const PostgresServer& server) {
  return sha256_hex(configuration(server) + host_based_access(server)).substr(0, 16);
}

Result<void> write_postgres_settings(const PostgresServer& server) {
  const fs::path config = server.state_folder / "config";
  LF_OK(io::write_file(config / "pg_hba.conf", host_based_access(server), 0644));
  LF_OK(io::write_file(config / "postgresql.conf", configuration(server), 0644));
  if (!server.tls) return {};
  // Renamed into place with its owner: a server that reads it meanwhile gets the old or the new.
  const fs::path half = config / "server.new";
  LF_OK(io::write_file(half, server.certificate, 0600));
  LF_OK(own(half));
  if (::rename(half.c_str(), (config / "server.pem").c_str()) < 0)
    return fail_errno("rename to server.pem", errno);
  return {};
}

Result<ContainerSpec> prepare_postgres(const PostgresServer& server) {
  const fs::path config = server.state_folder / "config";
  const fs::path run = postgres_socket_folder(server);
  const fs::path root = server.state_folder / "root";
  for (const fs::path& folder : {config, run, root}) LF_OK(io::make_directories(folder, 0755));
  LF_OK(write_root(root));
  LF_OK(io::write_file(config / "start", kStartScript, 0755));
  LF_OK(io::write_file(config / "archive", kArchiveScript, 0755));
  LF_OK(write_postgres_settings(server));
  LF_OK(io::write_file(config / "bootstrap.sql", bootstrap(server), 0600));
  LF_OK(own(config / "bootstrap.sql"));
  LF_OK(own(run));
  LF_OK(own(server.data_folder));
  if (!server.archive_folder.empty()) {
    LF_OK(io::make_directories(server.archive_folder, 0700));
    LF_OK(own(server.archive_folder));
  }

  const bool own_libraries = server.installation.self_contained();
  const std::string engine = own_libraries ? "/engine" : server.installation.root.string();
  ContainerSpec spec;
  spec.id = server.id;
  spec.group = server.id;
  spec.group_limits.cpu_quota_millicores = server.cpu_millicores;
  spec.group_limits.memory_bytes = server.memory_bytes;
  spec.group_limits.pids = 8192;
  spec.base_folders = {root};
  spec.entry_point = {{"/bin/sh", "/config/start"}};
  spec.environment = {
      {"ENGINE", engine}, {"PATH", "/usr/bin"}, {"LC_ALL", "C.UTF-8"}, {"TZ", "UTC"}};
  if (server.recovery) spec.environment["RECOVERY"] = server.id;
  if (server.primary) spec.environment["STANDBY"] = server.id;
  if (own_libraries) spec.environment["LD_LIBRARY_PATH"] = engine + "/lib";
  spec.user = fmt::format("{0}:{0}", kUser);
  spec.stop_signal =
      "SIGINT";  // PostgreSQL's "fast" shutdown: sessions are ended, data is checkpointed
  spec.hostname = server.id;
  spec.network_namespace = server.network_namespace;
  spec.read_only_root = true;
  spec.tmpfs = {{"/tmp", 16 << 20, {"mode=1777"}}};
  spec.shared_memory_bytes = std::max<std::uint64_t>(64 << 20, server.memory_bytes / 4);
  spec.mounts = {{"/usr", "/usr", true, false},
                 {config, "/config", true, true},
                 {run, "/run/postgresql", false, true},
                 {server.data_folder, "/data", false, true}};
  if (!server.archive_folder.empty())
    spec.mounts.push_back({server.archive_folder, "/archive", false, true});
  if (server.recovery) spec.mounts.push_back({server.recovery->segments, "/restore", true, true});
  if (server.primary) spec.mounts.push_back({server.primary->socket_folder, "/source", true, true});
  if (own_libraries) spec.mounts.push_back({server.installation.root, "/engine", true, false});
  spec.labels = server.labels;
  return spec;
}

task<Result<std::string>> run_sql(io::Loop& loop, const PostgresServer& server,
                                  std::string database, std::string statements, Millis timeout) {
  static const fs::path program = client_program();
  io::Command command{{program, "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-h",
                       "/proc/self/cwd/run", "-p", std::to_string(server.port), "-U", "rdsadmin",
                       "-d", std::move(database)}};
  // Through the working directory, because a socket's path may not be longer than 107 bytes.
  command.directory = server.state_folder;
  command.input = std::move(statements);  // not in argv, which every user of the machine can read
  command.timeout = timeout;
  LF_CO_TRY(result, co_await io::run_command(loop, std::move(command)));
  if (result.ok()) co_return std::move(result.out);
  // psql's exit code 2: the connection failed or was lost.
  if (result.exit_code == 2) co_return fail("not-ready", result.err, 500);
  co_return fail("sql-failed", result.err, 500);
}

}  // namespace landfall::host
