// The runtime's configuration of one container: everything runc is told, from what was asked and
// found out. https://github.com/opencontainers/runtime-spec
#pragma once

#include <boost/json/object.hpp>
#include <set>
#include <string>
#include <vector>

#include "host/containers/containers.h"
#include "host/containers/mount.h"
#include "host/containers/root_lookup.h"
#include "host/images/manifest.h"

namespace landfall::host {

// The specification laid over the image: what really runs.
struct Program {
  std::vector<std::string> argv;
  std::map<std::string, std::string> environment;
  std::string user;
  std::string working_directory;
  std::string stop_signal;
};
// Error "command-missing".
Result<Program> merge_program(const ContainerSpec& spec, const ImageConfig& image);

// "CAP_..." names. Error "invalid-container" for one that does not exist.
Result<std::set<std::string>> capabilities_of(const ContainerSpec& spec);

// Sources are paths on the host.
struct OciInput {
  const ContainerSpec& spec;
  const Program& program;
  const RootLookup::User& user;
  IdRange range;
  std::string root_path;
  std::string cgroup_path;  // "/landfall-<tag>/<group>/<id>"
  std::string sys_source;   // sysfs of the network namespace; empty: the runtime mounts it
  std::vector<ContainerMount> mounts;  // the specification's and ours, sources ready to be bound
  std::set<std::string> capabilities;
  boost::json::object seccomp;  // empty: none
  bool limit_swap = false;
};
boost::json::object oci_config(const OciInput& input);

}  // namespace landfall::host
