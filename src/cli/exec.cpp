#include <fmt/format.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/options.h"
#include "host/containers/enter.h"

namespace landfall::cli {
namespace {

constexpr const char* kTask = "landfall.task";
constexpr const char* kContainer = "landfall.container";

std::string label(const host::ContainerInfo& info, const char* name) {
  const auto found = info.labels.find(name);
  return found == info.labels.end() ? "" : found->second;
}

// A container's id, a task's ARN or id, or the beginning of the id.
bool is_meant(const host::ContainerInfo& info, const std::string& target) {
  if (info.id == target) return true;
  const std::string task = label(info, kTask);
  if (task.empty()) return false;
  const std::string id = task.substr(task.rfind('/') + 1);
  return task == target || (target.size() >= 4 && id.starts_with(target));
}

// Everything from the first word on that is no option belongs to the command.
struct Line {
  std::vector<std::string> options;
  std::string target;
  std::vector<std::string> command;
};
Line divide(const std::vector<Option>& known, const std::vector<std::string>& words) {
  Line out;
  std::size_t at = 0;
  for (; at < words.size() && words[at].starts_with('-'); ++at) {
    out.options.push_back(words[at]);
    const auto option = std::ranges::find(known, words[at], &Option::name);
    const bool takes_value = option != known.end() && !option->value.empty();
    if (takes_value && at + 1 < words.size()) out.options.push_back(words[++at]);
  }
  if (at < words.size()) out.target = words[at++];
  if (at < words.size() && words[at] == "--") ++at;
  out.command.assign(words.begin() + std::ptrdiff_t(std::min(at, words.size())), words.end());
  return out;
}

std::string names_of(const std::vector<host::ContainerInfo>& containers) {
  std::vector<std::string> names;
  for (const auto& info : containers) names.push_back(label(info, kContainer));
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

int run_exec(const std::vector<std::string>& words) {
  const std::vector<Option> known = {
      kDataDir,
      {"--container", "NAME", "", "which container of the task, where it has several"},
      {"--user", "USER", "", "run as this user of the image (default: the container's)"},
      {"--workdir", "FOLDER", "", "run in this folder (default: the container's)"},
      {"--help", "", "", "this text"}};
  const Line line = divide(known, words);
  const auto parsed = parse(known, line.options);
  if (!parsed) return complain(parsed.error().message + "; see landfall exec --help", 2);
  if (parsed->flag("--help")) {
    fmt::print(
        "usage: landfall exec [OPTIONS] TASK [--] [COMMAND...]\n\nRuns a command in a container of "
        "a running task, on this terminal: what `aws ecs execute-command` does on AWS. TASK is a "
        "task's ARN, its id or the id's beginning. Without a command it is /bin/sh. The exit code "
        "is the command's.\n\n{}\nexamples:\n  landfall exec 1dc5c17a\n  landfall exec --container "
        "app 1dc5c17a -- env\n",
        describe(known));
    return 0;
  }
  if (line.target.empty()) {
    return complain("say which task: landfall exec TASK -- COMMAND; see landfall exec --help", 2);
  }
  if (::geteuid() != 0) return complain("must run as root: it enters containers");
  const auto instance = host::instance_for((*parsed)["--data-dir"]);
  if (!instance) return complain(instance.error().message);

  std::vector<host::ContainerInfo> meant;
  for (auto& info : host::running_containers(*instance)) {
    if (is_meant(info, line.target)) meant.push_back(std::move(info));
  }
  if (meant.empty()) {
    return complain(fmt::format("no container of '{}' runs here (data folder {})", line.target,
                                instance->data_dir.string()));
  }
  for (const auto& info : meant) {
    if (info.group != meant[0].group) {
      return complain(
          fmt::format("'{}' begins the ids of several tasks; write more of it", line.target));
    }
  }
  if (const std::string& name = (*parsed)["--container"]; !name.empty()) {
    const std::string all = names_of(meant);
    std::erase_if(meant, [&](const auto& info) { return label(info, kContainer) != name; });
    if (meant.empty())
      return complain(fmt::format("the task runs no container '{}', but: {}", name, all));
  }
  if (meant.size() > 1) {
    return complain(fmt::format("the task runs several containers; choose one with --container: {}",
                                names_of(meant)));
  }
  host::EnterRequest request;
  request.argv = line.command.empty() ? std::vector<std::string>{"/bin/sh"} : line.command;
  request.user = (*parsed)["--user"];
  request.working_directory = (*parsed)["--workdir"];
  request.terminal = ::isatty(0) && ::isatty(1);
  return complain(host::enter_container(*instance, meant[0].id, std::move(request)).message);
}

}  // namespace landfall::cli
