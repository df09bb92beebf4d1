#include <fmt/format.h>

#include <unistd.h>

#include <csignal>

#include "cli/command.h"
#include "cli/data_folder.h"
#include "cli/options.h"
#include "host/claims/claims.h"
#include "host/containers/leftovers.h"
#include "host/dns/process/control.h"
#include "host/hosts_file/hosts_file.h"
#include "host/network/network.h"
#include "host/volumes/volumes.h"
#include "io/files.h"
#include "io/remove_tree.h"
#include "proxy/control.h"
#include "services/ecr/client_setup.h"
#include "services/ecs/task_disks.h"

namespace landfall::cli {
namespace {

constexpr int kStopSeconds = 20;

// What is being done, for whoever waits.
void say(std::string_view step) {
  fmt::print("{}\n", step);
  std::fflush(stdout);
}

// The pool that the server had, so that its guard route is found when nothing else is left of it.
Cidr last_pool(const host::Instance& instance) {
  const auto text = read_pool(instance.data_dir);
  return text ? Cidr::parse(*text).value_or(Cidr{{}, 32}) : Cidr{{}, 32};
}

task<Result<void>> remove_everything(io::Loop& loop, host::Instance instance) {
  say("removing containers");
  // No traffic to what is about to go.
  proxy::Control balancers(loop, instance.data_dir / "proxy");
  LF_CO_OK(co_await balancers.stop());
  host::dns::Control names(loop, instance.data_dir / "dns");
  co_await names.end();
  // Containers first: they hold networks and volumes.
  LF_CO_TRY(cgroups, host::Cgroups::detect());
  LF_CO_OK(co_await loop.run_blocking(
      [instance, cgroups] { return host::remove_leftovers(instance, cgroups, {}); }));
  host::Volumes volumes(loop, instance.data_dir / "volumes");
  LF_CO_OK(co_await volumes.unmount_all());
  host::ScratchDisks disks(loop, instance.data_dir / ecs::kDisksFolder);
  for (const std::string& id : disks.list()) LF_CO_OK(co_await disks.remove(id));
  say("removing networks");
  host::network::Network network(loop, instance, {last_pool(instance)});
  LF_CO_OK(co_await network.remove_all());
  LF_CO_OK(host::update_hosts_file("/etc/hosts", instance.tag, {}));
  LF_CO_OK(ecr::forget_hosts(ecr::client_places(instance)));
  LF_CO_OK(host::release_claim(instance));
  say(fmt::format("removing {}", instance.data_dir.string()));
  co_return co_await loop.run_blocking(
      [folder = instance.data_dir] { return io::remove_large_tree(folder); });
}

task<void> run_down(io::Loop& loop, host::Instance instance, Result<void>& done) {
  done = co_await remove_everything(loop, std::move(instance));
}

// Asks the server that holds the data folder to end, and waits for it.
Result<void> stop_server(const std::filesystem::path& data_dir) {
  bool asked = false;
  for (int attempt = 0; attempt < kStopSeconds * 20; ++attempt) {
    auto lock = io::lock_file(data_dir / "lock");
    if (lock) return {};
    if (lock.error().code != "locked") return std::unexpected(std::move(lock.error()));
    if (!asked) {
      say("stopping the server");
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
        "containers, networks and data. Nothing of it\ncan be had back. Run it again when it was "
        "interrupted.\n\n{}\nexample:\n  landfall down --data-dir "
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
  loop.run(run_down(loop, *instance, done));
  return done ? 0 : complain(done.error().message);
}

}  // namespace landfall::cli
