#include <fmt/format.h>

#include "base/record.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/data_folder.h"
#include "cli/options.h"

namespace landfall::cli {
namespace {

std::string text_of(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(json::string_view(name.data(), name.size()));
  if (!found) return "?";
  return found->is_string() ? std::string(found->get_string()) : json::serialize(*found);
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
        "holds.\n\n{}\nexamples:\n  landfall status\n  landfall status --json | jq .records\n",
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
  if (const json::value* records = status.if_contains("records"); records && records->is_object()) {
    for (const auto& [name, count] : records->get_object()) {
      fmt::print("{:<44} {:>6}\n", std::string_view(name.data(), name.size()),
                 json::serialize(count));
    }
  }
  return 0;
}

}  // namespace landfall::cli
