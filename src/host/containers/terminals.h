// Commands inside a running container on a terminal, as `aws ecs execute-command` needs them.
#pragma once

#include <memory>

#include "host/containers/containers.h"

namespace landfall::host {

// A command and its terminal; the command is killed with it.
class TerminalSession {
 public:
  virtual ~TerminalSession() = default;
  // What has been written there; empty when the command has ended.
  virtual task<Result<std::string>> read() = 0;
  virtual task<Result<void>> write(std::string typed) = 0;
  virtual void resize(int rows, int columns) = 0;
  // Resumes when the command has ended. As a shell sees it.
  virtual task<int> exit_code() = 0;
};

class Terminals {
 public:
  virtual ~Terminals() = default;
  // input, timeout and output_limit of the request mean nothing here. Errors: those of
  // Containers::exec. What cannot be started says so on the terminal.
  virtual task<Result<std::unique_ptr<TerminalSession>>> open_terminal(std::string id,
                                                                       ExecRequest request) = 0;
};

}  // namespace landfall::host
