#include "host/containers/leftovers.h"

#include <unistd.h>

#include "host/containers/monitor.h"
#include "io/files.h"

namespace landfall::host {
namespace fs = std::filesystem;
namespace {

fs::path run_folder(const Instance& instance) { return "/run/landfall-" + instance.tag; }
std::string root_group(const Instance& instance) { return "landfall-" + instance.tag; }

constexpr std::string_view kMonitors = "_monitors";

std::set<std::string> names_in(const fs::path& folder) {
  std::set<std::string> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    out.insert(entry.path().filename());
  }
  return out;
}

}  // namespace

Result<void> remove_container_traces(const ContainerPaths& paths, const fs::path& runc_state,
                                     const Cgroups& cgroups, const std::string& cgroup,
                                     const std::string& group) {
  // A folder with a mount in it must never be removed as a tree: that would empty what is mounted.
  LF_OK(unmount_below(paths.run));
  LF_OK(io::remove_tree(paths.run));
  LF_OK(io::remove_tree(runc_state));
  LF_OK(cgroups.remove(cgroup));
  if (!group.empty()) LF_OK(cgroups.remove(group));
  // The record last: until then the container is found again.
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(paths.data, error)) {
    if (entry.path() != paths.meta()) LF_OK(io::remove_tree(entry.path()));
  }
  return io::remove_tree(paths.data);
}

Leftovers observe_containers(const Instance& instance, const Cgroups& cgroups) {
  Leftovers out;
  const fs::path run = run_folder(instance);
  out.containers = names_in(run / "containers");
  out.containers.merge(names_in(run / "runc"));
  for (const std::string& group : cgroups.children(root_group(instance))) {
    for (const std::string& id : cgroups.children(root_group(instance) + "/" + group)) {
      out.containers.insert(id);
    }
  }
  out.mounts = mounts_below(run).size();
  out.processes = cgroups.processes(root_group(instance)).size();
  return out;
}

Result<void> remove_leftovers(const Instance& instance, const Cgroups& cgroups,
                              const std::set<std::string>& known) {
  const fs::path run = run_folder(instance);
  const std::string root = root_group(instance);
  // All at once; one after another they would be waited for one after another.
  if (known.empty()) cgroups.kill(root);
  for (const std::string& group : cgroups.children(root)) {
    if (group == kMonitors) continue;
    bool empty = true;
    for (const std::string& id : cgroups.children(root + "/" + group)) {
      if (known.contains(id)) {
        empty = false;
        continue;
      }
      kill_strays(run / "containers" / id);
      cgroups.kill(root + "/" + group + "/" + id);
      LF_OK(cgroups.remove(root + "/" + group + "/" + id));
    }
    // A group of a container that is about to be made again is made again too.
    if (empty) LF_OK(cgroups.remove(root + "/" + group));
  }
  for (const std::string& id : names_in(run / "containers")) {
    if (known.contains(id)) continue;
    kill_strays(run / "containers" / id);
    LF_OK(unmount_below(run / "containers" / id));
    LF_OK(io::remove_tree(run / "containers" / id));
  }
  for (const std::string& id : names_in(run / "runc")) {
    if (!known.contains(id)) LF_OK(io::remove_tree(run / "runc" / id));
  }
  if (known.empty()) {
    LF_OK(cgroups.remove(root));
    LF_OK(unmount_below(run));
    ::rmdir((run / "containers").c_str());
    ::rmdir((run / "runc").c_str());
    ::rmdir(run.c_str());  // others may keep files here
  }
  return {};
}

}  // namespace landfall::host
