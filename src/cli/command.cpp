#include "cli/command.h"

#include "cli/own_calls.h"

#include <fmt/format.h>

#include <cstdio>

namespace landfall::cli {
namespace {

int print_version(const std::vector<std::string>&) {
  fmt::print("landfall {}\n", kVersion);
  return 0;
}

const std::vector<Command>& commands() {
  static const std::vector<Command> all = {
      {"serve", "run the server: the AWS API and everything behind it", run_serve},
      {"env", "print the shell exports that point AWS clients at the server", run_env},
      {"status", "say whether the server runs and what it holds", run_status},
      {"why", "say why a resource is not as it should be, and what to do", run_why},
      {"exec", "run a command in a task's container", run_exec},
      {"down", "stop and remove everything the server made, and its data", run_down},
      {"version", "print the version", print_version},
  };
  return all;
}

// Processes that serve starts beside itself; nobody types these.
const std::vector<Command>& inner_commands() {
  static const std::vector<Command> all = {
      {"proxy", "carry the load balancers' traffic", run_proxy},
      {"dns", "answer the names inside of VPCs", run_dns},
  };
  return all;
}

void print_help(std::FILE* to) {
  fmt::print(to,
             "Landfall: the AWS deployment system on your own machine.\n\nusage: landfall COMMAND "
             "[OPTIONS]\n\n");
  for (const Command& command : commands())
    fmt::print(to, "  {:<10} {}\n", command.name, command.summary);
  fmt::print(to, "\nstarted by serve, as processes that go on without it:\n\n");
  for (const Command& command : inner_commands())
    fmt::print(to, "  {:<10} {}\n", command.name, command.summary);
  fmt::print(to,
             "\nto begin, as root:\n\n"
             "  landfall serve                        in one terminal, or as a service\n"
             "  eval \"$(landfall env)\"               in another: AWS clients now speak to it\n"
             "  aws sts get-caller-identity\n\n"
             "`landfall COMMAND --help` tells more; the same --data-dir belongs to all of them.\n");
}

}  // namespace

int complain(const std::string& message, int code) {
  fmt::print(stderr, "landfall: {}\n", message);
  return code;
}

int run(const std::vector<std::string>& words) {
  if (words.empty()) {
    print_help(stderr);
    return 2;
  }
  if (words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    print_help(stdout);
    return 0;
  }
  for (const auto* list : {&commands(), &inner_commands()}) {
    for (const Command& command : *list) {
      if (command.name == words[0] || (words[0] == "--version" && command.name == "version"))
        return command.run({words.begin() + 1, words.end()});
    }
  }
  return complain(fmt::format("unknown command '{}'; landfall --help lists them", words[0]), 2);
}

}  // namespace landfall::cli
