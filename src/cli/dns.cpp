// `landfall dns`: answers the names inside of VPCs; `landfall serve` starts it.
#include <fmt/format.h>
#include <sys/resource.h>

#include "cli/command.h"
#include "cli/options.h"
#include "host/dns/process/run.h"
#include "io/termination.h"

namespace landfall::cli {
namespace {

task<void> run(io::Loop& loop, std::filesystem::path folder, Result<void>& ended) {
  ended = co_await host::dns::run_process(loop, {.folder = std::move(folder)});
}

}  // namespace

int run_dns(const std::vector<std::string>& words) {
  const std::vector<Option> known = {
      {"--folder", "DIR", "/var/lib/landfall/dns", "where it finds what to answer"},
      {"--help", "", "", "this text"}};
  const auto parsed = parse(known, words);
  if (!parsed) return complain(parsed.error().message + "; see landfall dns --help", 2);
  if (parsed->flag("--help")) {
    fmt::print(
        "usage: landfall dns [OPTIONS]\n\nAnswers the names inside of VPCs. `landfall serve` "
        "starts "
        "it and tells it what they mean;\nit keeps running when the server ends. `landfall down` "
        "stops it.\n\n{}",
        describe(known));
    return 0;
  }
  // Four sockets for each VPC, and what its clients open.
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  io::Loop loop;
  io::catch_termination(loop);
  Result<void> ended;
  loop.run(run(loop, (*parsed)["--folder"], ended));
  return ended ? 0 : complain(ended.error().message);
}

}  // namespace landfall::cli
