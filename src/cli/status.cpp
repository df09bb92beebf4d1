#include <fmt/format.h>

#include "base/record.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/data_folder.h"
#include "cli/options.h"
#include "io/pid_file.h"
#include "io/process.h"

namespace landfall::cli {
namespace {

std::string text_of(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(json::string_view(name.data(), name.size()));
  if (!found) return "?";
  return found->is_string() ? std::string(found->get_string()) : json::serialize(*found);
}

// A process beside the server, by its pid file.
std::string process_of(const std::filesystem::path& folder, std::string_view when_absent) {
  const auto process = io::read_pid_file(folder / "pid");
  if (process && io::process_alive(process->pid, process->start_time))
    return fmt::format("process {}, log {}", process->pid, (folder / "log").string());
  return std::string(when_absent);
}

}  // namespace

int run_status(const std::vector<std::string>& words) {
  const std::vector<Option> known = {
      kDataDir, {"--json", "", "", "for programs"}, {"--help", "", "", "this text"}};
  const auto parsed = parse(known, words);
  if (!parsed) return complain(parsed.error().message + "; see landfall status --help", 2);
  if (parsed->flag("--help")) {
    fmt::print(
        "usage: landfall status [OPTIONS]\n\nSays whether the server runs, since when, and what it "
        "holds: how many records of each kind\nin which region. Exit code 0 when it runs, 1 when "
        "not. `landfall why NAME` tells of one resource.\n\n{}\nexamples:\n  landfall status\n  "
        "landfall status --json | jq .records\n",
        describe(known));
    return 0;
  }
  const auto answer = ask_server((*parsed)["--data-dir"], "status");
  if (!answer) return complain(answer.error().message);
  if (parsed->flag("--json")) {
    fmt::print("{}", *answer);
    return 0;
  }
  boost::system::error_code broken;
  const json::value said = json::parse(*answer, broken);
  if (broken || !said.is_object()) return complain("the server's answer cannot be read");
  const json::object& status = said.get_object();
  const auto listening = read_listening((*parsed)["--data-dir"]);
  fmt::print("running     version {}, process {}, since {}\n", text_of(status, "version"),
             text_of(status, "pid"), text_of(status, "started"));
  fmt::print("endpoint    http://{}\n", listening ? listening->address : "?");
  fmt::print("account     {}\n", text_of(status, "account"));
  const std::filesystem::path data_dir = (*parsed)["--data-dir"];
  fmt::print("data        {}\n", data_dir.string());
  fmt::print("proxy       {}\n", process_of(data_dir / "proxy", "none: there is no load balancer"));
  fmt::print("names       {}\n", process_of(data_dir / "dns", "none: there is no VPC in use"));
  if (const json::value* records = status.if_contains("records"); records && records->is_object()) {
    fmt::print("\nrecords, by service and region\n");
    for (const auto& [name, count] : records->get_object()) {
      fmt::print("  {:<44} {:>6}\n", std::string_view(name.data(), name.size()),
                 json::serialize(count));
    }
  }
  return 0;
}

}  // namespace landfall::cli
