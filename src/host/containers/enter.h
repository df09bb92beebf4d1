// A person's way into a running container: the command takes this process's place, with its
// terminal.
#pragma once

#include "base/record.h"
#include "host/containers/containers.h"
#include "host/instance.h"

namespace landfall::host {

// The containers that run now, by what is on disk: no server is needed. Blocks.
std::vector<ContainerInfo> running_containers(const Instance& instance);

struct EnterRequest {
  std::vector<std::string> argv;
  std::string user = {};               // empty: the container's
  std::string working_directory = {};  // empty: the container's
  bool terminal = false;               // standard input is a terminal for the command to use
};
// Becomes the command: returns only when that fails. Errors: "container-not-running",
// "user-not-found", "program-missing", "runtime-failed".
Error enter_container(const Instance& instance, const std::string& id, EnterRequest request);

// runc's description of a further process: the container's own with what the request changes.
Result<json::object> further_process(const std::filesystem::path& root,
                                     const std::string& config_text, const ExecRequest& request);

}  // namespace landfall::host
