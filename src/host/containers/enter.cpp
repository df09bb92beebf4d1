#include "host/containers/enter.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/containers/local_containers.h"
#include "io/files.h"
#include "io/process.h"

namespace landfall::host {
namespace fs = std::filesystem;
namespace {

fs::path data_of(const Instance& instance) { return instance.data_dir / "containers"; }
fs::path run_of(const Instance& instance) { return "/run/landfall-" + instance.tag; }

std::optional<LocalContainers::Meta> running(const Instance& instance, const std::string& id) {
  const auto text = io::read_file(data_of(instance) / id / "meta.json");
  auto meta =
      text ? record::from_text<LocalContainers::Meta>(*text) : std::unexpected(text.error());
  if (!meta || meta->id != id || meta->exit ||
      !io::process_alive(meta->init_pid, meta->init_start_time)) {
    return std::nullopt;
  }
  // Made, but its program has not begun.
  std::error_code ignored;
  if (fs::exists(run_of(instance) / "runc" / id / "exec.fifo", ignored)) return std::nullopt;
  return std::move(*meta);
}

// A file that nobody else sees and that ends with the process: the environment may hold secrets.
Result<int> private_file(const std::string& text) {
  const int fd = ::memfd_create("landfall-exec", 0);
  if (fd < 0 || ::write(fd, text.data(), text.size()) != ssize_t(text.size())) {
    return fail_errno("memfd_create", errno);
  }
  return fd;
}

}  // namespace

Result<json::object> further_process(const fs::path& root, const std::string& config_text,
                                     const ExecRequest& request) {
  boost::system::error_code error;
  const json::value config = json::parse(config_text, error);
  if (error) return fail("runtime-failed", "the container's configuration cannot be read", 500);
  json::object process = config.as_object().at("process").as_object();
  json::array argv;
  for (const std::string& word : request.argv) argv.emplace_back(json::string(word));
  process["args"] = std::move(argv);
  if (!request.environment.empty()) {
    std::map<std::string, std::string> variables;
    for (const json::value& item : process["env"].as_array()) {
      const std::string text(item.as_string());
      variables[text.substr(0, text.find('='))] = text;
    }
    for (const auto& [name, value] : request.environment) variables[name] = name + "=" + value;
    json::array environment;
    for (const auto& [name, text] : variables) environment.emplace_back(json::string(text));
    process["env"] = std::move(environment);
  }
  if (!request.working_directory.empty()) process["cwd"] = request.working_directory;
  if (!request.user.empty()) {
    LF_TRY(lookup, RootLookup::open(root, {}));
    LF_TRY(user, lookup.user(request.user));
    json::object out{{"uid", user.uid}, {"gid", user.gid}};
    json::array groups;
    for (const std::uint32_t group : user.groups) groups.emplace_back(group);
    if (!groups.empty()) out["additionalGids"] = std::move(groups);
    process["user"] = std::move(out);
  }
  return process;
}

std::vector<ContainerInfo> running_containers(const Instance& instance) {
  std::vector<ContainerInfo> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(data_of(instance), error)) {
    auto meta = running(instance, entry.path().filename());
    if (!meta) continue;
    ContainerInfo& info = out.emplace_back();
    info.id = meta->id;
    info.group = meta->group;
    info.state = ContainerState::running;
    info.pid = meta->init_pid;
    info.image_digest = meta->image_digest;
    info.created_at = meta->created_at;
    info.started_at = meta->started_at;
    info.labels = meta->labels;
  }
  std::ranges::sort(out, {}, &ContainerInfo::id);
  return out;
}

Error enter_container(const Instance& instance, const std::string& id, EnterRequest request) {
  const auto enter = [&]() -> Result<void> {
    const auto meta = running(instance, id);
    if (!meta) return fail("container-not-running", fmt::format("{} is not running", id));
    const fs::path run = run_of(instance) / "containers" / id;
    LF_TRY(config, io::read_file(run / "config.json"));
    ExecRequest what{.argv = std::move(request.argv),
                     .user = std::move(request.user),
                     .working_directory = std::move(request.working_directory)};
    const char* terminal = ::getenv("TERM");
    if (request.terminal && terminal) what.environment["TERM"] = terminal;
    LF_TRY(process, further_process(run / "root", config, what));
    process["terminal"] = request.terminal;
    LF_TRY(description, private_file(json::serialize(process)));
    // runc cannot enter a network namespace that another user namespace owns: it starts inside.
    const std::string network = fmt::format("/proc/{}/ns/net", meta->init_pid);
    const io::Fd space(::open(network.c_str(), O_RDONLY | O_CLOEXEC));
    if (!space || ::setns(space.get(), CLONE_NEWNET) < 0)
      return fail_errno("enter " + network, errno);
    const std::vector<std::string> words = {
        "runc", "--root",    (run_of(instance) / "runc").string(),
        "exec", "--process", fmt::format("/proc/self/fd/{}", description),
        id};
    std::vector<char*> argv;
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    // Nothing of our environment: it may hold credentials.
    std::string path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    char* environment[] = {path.data(), nullptr};
    ::setenv("PATH", path.c_str() + 5, 1);
    ::execvpe("runc", argv.data(), environment);
    if (errno == ENOENT) return fail("program-missing", "the program 'runc' is not installed");
    return fail_errno("run runc", errno);
  };
  return enter().error();
}

}  // namespace landfall::host
