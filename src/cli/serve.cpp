// `landfall serve`: builds everything in order, runs it, and stops it in reverse.
#include <fmt/format.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/command.h"
#include "cli/data_folder.h"
#include "cli/options.h"
#include "cli/preflight.h"
#include "cli/publish.h"
#include "cli/server.h"
#include "host/claims/claims.h"
#include "io/files.h"
#include "io/pid_file.h"
#include "io/termination.h"

namespace landfall::cli {
namespace {

const std::vector<Option>& known_options() {
  static const std::vector<Option> known = {
      kDataDir,
      {"--listen", "ADDRESS:PORT", "127.0.0.1:4566", "where the API answers, plain and TLS"},
      {"--region", "REGION", "us-west-1", "what `landfall env` sets; every region works"},
      {"--account-id", "DIGITS", "",
       "the account's 12 digits, at the first start; otherwise chosen"},
      {"--public-pool", "CIDR", "198.18.0.0/16",
       "public addresses; each server on a machine needs its own"},
      {"--publish", "LIST", "", "load balancers' listeners at the host's own addresses; see below"},
      {"--engines", "DIR", "/var/lib/landfall-engines", "installed PostgreSQL versions"},
      {"--metrics", "ADDRESS:PORT", "",
       "answers GET /metrics of Prometheus there, to anybody; otherwise only signed ones of "
       "/_landfall/metrics"},
      {"--target-tracking-alarms", "SECONDS,OUT,IN", "60,3,15",
       "alarms of target tracking: their period, and how many periods to scale out and in"},
      {"--log-level", "LEVEL", "info", "debug, info, warning or error"},
      {"--help", "", "", "this text"},
  };
  return known;
}

// "60,3,15": a period that CloudWatch has, and counts that fit into a day.
std::optional<application_autoscaling::AlarmTiming> timing_of(std::string_view text) {
  int parts[3] = {};
  for (int& part : parts) {
    const std::string_view word = text.substr(0, text.find(','));
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), part);
    if (error != std::errc() || end != word.data() + word.size() || part < 1) return {};
    text.remove_prefix(std::min(word.size() + 1, text.size()));
  }
  const auto [period, out, in] = parts;
  const bool has = period == 10 || period == 20 || period == 30 || period % 60 == 0;
  if (!text.empty() || !has || std::int64_t(period) * std::max(out, in) > 86400) return {};
  return application_autoscaling::AlarmTiming{period, out, in};
}

std::optional<log::Level> level_of(std::string_view name) {
  if (name == "debug") return log::Level::debug;
  if (name == "info") return log::Level::info;
  if (name == "warning") return log::Level::warning;
  if (name == "error") return log::Level::error;
  return {};
}

Result<ServerSettings> settings_of(const Parsed& parsed) {
  ServerSettings out;
  LF_TRY(instance, host::instance_for(parsed["--data-dir"]));
  out.instance = instance;
  LF_TRY(listen, parse_endpoint(parsed["--listen"]));
  out.listen = listen;
  out.region = parsed["--region"];
  out.account = parsed["--account-id"];
  if (!out.account.empty() && (out.account.size() != 12 ||
                               out.account.find_first_not_of("0123456789") != std::string::npos)) {
    return fail("usage", "--account-id takes 12 digits");
  }
  const auto pool = Cidr::parse(parsed["--public-pool"]);
  if (!pool) return fail("usage", "--public-pool takes a block such as 198.18.0.0/16");
  out.public_pool = *pool;
  out.engines = parsed["--engines"];
  if (!parsed["--metrics"].empty()) {
    LF_TRY(metrics, parse_endpoint(parsed["--metrics"]));
    out.metrics = metrics;
  }
  LF_TRY(published, parse_published(parsed["--publish"]));
  out.published = std::move(published);
  const auto timing = timing_of(parsed["--target-tracking-alarms"]);
  if (!timing)
    return fail("usage",
                "--target-tracking-alarms takes a period of 10, 20, 30 or a multiple of 60 seconds "
                "and two counts, such as 60,3,15; together at most a day");
  out.target_tracking = *timing;
  return out;
}

// What this server has of the machine that no other may have.
Result<io::Fd> claim_addresses(const ServerSettings& settings) {
  const auto proxy = io::read_pid_file(settings.instance.data_dir / "proxy" / "pid");
  std::vector<std::string> places;
  for (const elbv2::Published& published : settings.published) {
    places.push_back(published.at.str());
    LF_OK(check_publishable(published.at, proxy ? std::optional(proxy->pid) : std::nullopt));
  }
  return host::claim(settings.instance, settings.public_pool, places);
}

}  // namespace

int run_serve(const std::vector<std::string>& words) {
  const auto parsed = parse(known_options(), words);
  if (!parsed) return complain(parsed.error().message + "; see landfall serve --help", 2);
  if (parsed->flag("--help")) {
    fmt::print(
        "usage: landfall serve [OPTIONS]\n\nRuns the server in the foreground. SIGTERM or SIGINT "
        "stops it, also while it starts (exit code\n0), and what it has deployed keeps running; a "
        "second signal ends it at once.\n\n{}\n--publish takes "
        "ADDRESS:PORT=[REGION/]BALANCER[:LISTENER "
        "PORT],... and lets a load balancer's\nlistener answer at an address of this host as "
        "well, as soon as there is such a balancer. Without\nit nothing of what is deployed can "
        "be reached from other machines. Security groups are not asked\nthere: who may come is "
        "the host's firewall's to say. It holds until a start without it.\n\nexamples:\n  "
        "landfall serve\n  landfall serve --data-dir /srv/landfall --listen 127.0.0.1:4567 "
        "--public-pool 198.18.128.0/17\n  landfall serve --publish "
        "0.0.0.0:80=web,0.0.0.0:443=web\n",
        describe(known_options()));
    return 0;
  }
  const auto level = level_of((*parsed)["--log-level"]);
  if (!level) return complain("--log-level takes debug, info, warning or error", 2);
  log::set_level(*level);
  if (::geteuid() != 0) {
    return complain(
        "must run as root: it makes network namespaces and starts containers (these do not run as "
        "root)");
  }
  const auto settings = settings_of(*parsed);
  if (!settings) {
    const bool usage = settings.error().code == "usage";
    return complain(settings.error().message + (usage ? "; see landfall serve --help" : ""),
                    usage ? 2 : 1);
  }
  const char* path = std::getenv("PATH");
  const auto missing = missing_requirements(path ? path : "");
  for (const std::string& sentence : missing) complain(sentence);
  if (!missing.empty()) return 1;
  // Before anything is there that a signal could leave behind.
  io::Loop loop;
  io::catch_termination(loop);
  if (auto made = io::make_directories(settings->instance.data_dir, 0711); !made) {
    return complain(made.error().message);
  }
  auto lock = io::lock_file(settings->instance.data_dir / "lock");
  if (!lock) {
    return complain(
        lock.error().code == "locked"
            ? fmt::format("another server runs on {}", settings->instance.data_dir.string())
            : lock.error().message);
  }
  // For `landfall down`, which stops the server that holds the lock.
  if (auto told =
          io::write_file(settings->instance.data_dir / "pid", fmt::format("{}\n", ::getpid()));
      !told) {
    return complain(told.error().message);
  }
  const auto claimed = claim_addresses(*settings);
  if (!claimed) return complain(claimed.error().message);
  if (auto told = write_pool(settings->instance.data_dir, settings->public_pool.str()); !told)
    return complain(told.error().message);
  if (const std::string warning = disk_warning(settings->instance.data_dir); !warning.empty()) {
    log::warning("serve", "{}", warning);
  }
  Result<void> ended;
  loop.run(serve(loop, *settings, ended));
  if (!ended) return complain(ended.error().message);
  return 0;
}

}  // namespace landfall::cli
