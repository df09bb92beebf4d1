#include <fmt/format.h>

#include "cli/command.h"
#include "cli/options.h"
#include "host/containers/leftovers.h"
#include "host/network/network.h"
#include "io/files.h"
#include "services/ecr/client_setup.h"

namespace landfall::cli {
namespace {

task<void> remove_everything(io::Loop& loop, host::Instance instance, Result<void>& done) {
  // Containers first: they hold networks and volumes.
  const auto cgroups = host::Cgroups::detect();
  done = cgroups ? co_await loop.run_blocking([instance, groups = *cgroups] {
    return host::remove_leftovers(instance, groups, {});
  })
                 : std::unexpected(cgroups.error());
  if (!done) co_return;
  // The pool does not matter for removal: everything carries the tag.
  host::network::Network network(loop, instance, {});
  done = co_await network.remove_all();
  if (done) done = ecr::forget_hosts(ecr::client_places(instance));
  if (done) done = io::remove_tree(instance.data_dir);
}

}  // namespace

int run_down(const std::vector<std::string>& words) {
  const std::vector<Option> known = {kDataDir, {"--help", "", "", "this text"}};
  const auto parsed = parse(known, words);
  if (!parsed) return complain(parsed.error().message, 2);
  if (parsed->flag("--help")) {
    fmt::print(
        "usage: landfall down [OPTIONS]\n\nRemoves everything the server made: containers, "
        "networks and data. The "
        "server must have been stopped.\n\n{}",
        describe(known));
    return 0;
  }
  const auto instance = host::instance_for((*parsed)["--data-dir"]);
  if (!instance) return complain(instance.error().message);
  if (!std::filesystem::exists(instance->data_dir)) return 0;
  {
    auto lock = io::lock_file(instance->data_dir / "lock");
    if (!lock && lock.error().code == "locked") {
      return complain(
          fmt::format("a server runs on {}; stop it first", instance->data_dir.string()));
    }
    if (!lock) return complain(lock.error().message);
  }
  io::Loop loop;
  Result<void> done;
  loop.run(remove_everything(loop, *instance, done));
  return done ? 0 : complain(done.error().message);
}

}  // namespace landfall::cli
