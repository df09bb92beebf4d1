// `landfall proxy`: the load balancers' data plane as its own process; `landfall serve` starts it.
#include "proxy/process/run.h"

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/options.h"
#include "io/files.h"

namespace landfall::cli {

int run_proxy(const std::vector<std::string>& words) {
  const std::vector<Option> known = {
      {"--folder", "DIR", "/var/lib/landfall/proxy", "where its socket and pid file are"},
      {"--threads", "N", "0", "0: one per processor"},
      {"--help", "", "", "this text"}};
  const auto parsed = parse(known, words);
  if (!parsed) return complain(parsed.error().message, 2);
  if (parsed->flag("--help")) {
    fmt::print(
        "usage: landfall proxy [OPTIONS]\n\nCarries the traffic of the load balancers. `landfall "
        "serve` starts it and tells it what to do; it keeps running when the server ends.\n\n{}",
        describe(known));
    return 0;
  }
  unsigned threads = 0;
  const std::string& text = (*parsed)["--threads"];
  const auto number = std::from_chars(text.data(), text.data() + text.size(), threads);
  if (number.ec != std::errc() || number.ptr != text.data() + text.size() || threads > 1024)
    return complain("--threads takes a number", 2);
  const std::filesystem::path folder = (*parsed)["--folder"];
  if (auto made = io::make_directories(folder, 0700); !made) return complain(made.error().message);
  const auto ended = proxy::run_process(folder, threads);
  return ended ? 0 : complain(ended.error().message);
}

}  // namespace landfall::cli
