#include <fmt/format.h>

#include <unistd.h>

#include <csignal>

#include "cli/command.h"
#include "cli/options.h"
#include "host/claims/claims.h"
#include "host/containers/leftovers.h"
#include "host/hosts_file/hosts_file.h"
#include "host/network/network.h"
#include "host/volumes/volumes.h"
#include "io/files.h"
#include "proxy/control.h"
#include "services/ecr/client_setup.h"

namespace landfall::cli {
namespace {

constexpr int kStopSeconds = 20;

task<void> remove_everything(io::Loop& loop, host::Instance instance, Result<void>& done) {
  // No traffic to what is about to go.
  proxy::Control balancers(loop, instance.data_dir / "proxy");
  done = co_await balancers.stop();
  if (!done) co_return;
  // Containers first: they hold networks and volumes.
  const auto cgroups = host::Cgroups::detect();
  done = cgroups ? co_await loop.run_blocking([instance, groups = *cgroups] {
    return host::remove_leftovers(instance, groups, {});
  })
                 : std::unexpected(cgroups.error());
  if (!done) co_return;
  host::Volumes volumes(loop, instance.data_dir / "volumes");
  done = co_await volumes.unmount_all();
  if (!done) co_return;
  // The pool does not matter for removal: everything carries the tag.
  host::network::Network network(loop, instance, {});
  done = co_await network.remove_all();
  if (done) done = host::update_hosts_file("/etc/hosts", instance.tag, {});
  if (done) done = ecr::forget_hosts(ecr::client_places(instance));
  if (done) done = host::release_claim(instance);
  if (done) done = io::remove_tree(instance.data_dir);
}

// Asks the server that holds the data folder to end, and waits for it.
Result<void> stop_server(const std::filesystem::path& data_dir) {
  bool asked = false;
  for (int attempt = 0; attempt < kStopSeconds * 20; ++attempt) {
    auto lock = io::lock_file(data_dir / "lock");
    if (lock) return {};
    if (lock.error().code != "locked") return std::unexpected(std::move(lock.error()));
    if (!asked) {
      LF_TRY(text, io::read_file(data_dir / "pid", 64));
      const int pid = std::atoi(text.c_str());
      // The lock is held, so the process that wrote this is alive.
      if (pid > 1 && ::kill(pid, SIGTERM) != 0) return fail_errno("cannot stop the server", errno);
      asked = true;
    }
    std::this_thread::sleep_for(Millis(50));
  }
  return fail("still-running", fmt::format("the server on {} does not stop", data_dir.string()));
}

}  // namespace

int run_down(const std::vector<std::string>& words) {
  const std::vector<Option> known = {kDataDir, {"--help", "", "", "this text"}};
  const auto parsed = parse(known, words);
  if (!parsed) return complain(parsed.error().message + "; see landfall down --help", 2);
  if (parsed->flag("--help")) {
    fmt::print(
        "usage: landfall down [OPTIONS]\n\nStops the server and removes everything it made: "
        "containers, networks and data.\n\n{}\nexample:\n  landfall down --data-dir "
        "/srv/landfall\n",
        describe(known));
    return 0;
  }
  const auto instance = host::instance_for((*parsed)["--data-dir"]);
  if (!instance) return complain(instance.error().message);
  if (!std::filesystem::exists(instance->data_dir)) {
    fmt::print("nothing to remove: {} does not exist\n", instance->data_dir.string());
    return 0;
  }
  // Somebody's mistyped folder is not ours to delete.
  if (!std::filesystem::exists(instance->data_dir / "lock")) {
    return complain(fmt::format("{} is no data folder of Landfall: it has no file 'lock'",
                                instance->data_dir.string()));
  }
  if (::geteuid() != 0) return complain("must run as root: it removes containers and networks");
  if (auto stopped = stop_server(instance->data_dir); !stopped)
    return complain(stopped.error().message);
  io::Loop loop;
  Result<void> done;
  loop.run(remove_everything(loop, *instance, done));
  return done ? 0 : complain(done.error().message);
}

}  // namespace landfall::cli
