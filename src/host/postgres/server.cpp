#include "host/postgres/server.h"

#include <unistd.h>

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
rm -f "$data/postmaster.pid"
exec "$ENGINE/bin/postgres" -D "$data" -c config_file=/config/postgresql.conf
)sh";

// Without `map`, any account of the container could become rdsadmin, but the container has only
// one: the server's own.
constexpr std::string_view kHostBasedAccess =
    "local all rdsadmin trust\n"
    "host all rdsadmin 0.0.0.0/0 reject\n"
    "host all all 0.0.0.0/0 scram-sha-256\n";

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

std::string configuration(const PostgresServer& server) {
  const std::uint64_t megabytes = server.memory_bytes >> 20;
  std::map<std::string, std::string> settings = {
      {"listen_addresses", "*"},
      {"port", std::to_string(server.port)},
      {"unix_socket_directories", "/run/postgresql"},
      {"hba_file", "/config/pg_hba.conf"},
      {"password_encryption", "scram-sha-256"},
      {"shared_buffers", fmt::format("{}MB", std::max<std::uint64_t>(16, megabytes / 4))},
      {"effective_cache_size", fmt::format("{}MB", std::max<std::uint64_t>(32, megabytes / 2))},
      // {DBInstanceClassMemory/9531392}, as AWS's default parameter group computes it.
      {"max_connections",
       std::to_string(std::clamp<std::uint64_t>(server.memory_bytes / 9531392, 6, 5000))},
      {"log_timezone", "UTC"},
      {"timezone", "UTC"},
      {"log_line_prefix", "%t:%r:%u@%d:[%p]:"},
      {"logging_collector", "off"},
  };
  for (const auto& [name, value] : server.parameters) settings[name] = value;
  std::string text = "# Written by Landfall at every start.\n";
  for (const auto& [name, value] : settings)
    text += fmt::format("{} = {}\n", name, sql_text(value));
  return text;
}

Result<void> own(const fs::path& path) {
  if (::chown(path.c_str(), kUser, kUser) < 0) return fail_errno("chown " + path.string(), errno);
  return {};
}

// Folders to mount over, links as Debian's merged /usr has them, and an account for initdb to find.
Result<void> write_root(const fs::path& root) {
  for (const char* name :
       {"etc", "usr", "tmp", "data", "config", "engine", "run/postgresql", "dev", "proc", "sys"}) {
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

Result<ContainerSpec> prepare_postgres(const PostgresServer& server) {
  const fs::path config = server.state_folder / "config";
  const fs::path run = server.state_folder / "run";
  const fs::path root = server.state_folder / "root";
  for (const fs::path& folder : {config, run, root}) LF_OK(io::make_directories(folder, 0755));
  LF_OK(write_root(root));
  LF_OK(io::write_file(config / "start", kStartScript, 0755));
  LF_OK(io::write_file(config / "pg_hba.conf", kHostBasedAccess, 0644));
  LF_OK(io::write_file(config / "postgresql.conf", configuration(server), 0644));
  LF_OK(io::write_file(config / "bootstrap.sql", bootstrap(server), 0600));
  LF_OK(own(config / "bootstrap.sql"));
  LF_OK(own(run));
  LF_OK(own(server.data_folder));

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
