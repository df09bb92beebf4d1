// What containers leave behind on the host when things go wrong, and its removal.
#pragma once

#include <set>
#include <string>

#include "host/cgroup/cgroup.h"
#include "host/containers/bundle.h"
#include "host/instance.h"

namespace landfall::host {

// Mounts, runtime state, control groups and files of one container whose processes have ended;
// `group` is removed with it unless empty. Blocks; absent is success.
Result<void> remove_container_traces(const ContainerPaths& paths,
                                     const std::filesystem::path& runc_state,
                                     const Cgroups& cgroups, const std::string& cgroup,
                                     const std::string& group);

struct Leftovers {
  std::set<std::string> containers;  // ids that have anything below /run or a control group
  std::size_t mounts = 0;
  std::size_t processes = 0;
};
// Everything of this instance that exists in the kernel.
Leftovers observe_containers(const Instance& instance, const Cgroups& cgroups);

// Kills and removes everything of this instance but the containers in `known`: with an empty set,
// all of it
// (`landfall down`). Files in the data folder stay. Blocks.
Result<void> remove_leftovers(const Instance& instance, const Cgroups& cgroups,
                              const std::set<std::string>& known);

}  // namespace landfall::host
