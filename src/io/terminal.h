// A program on a terminal of its own, as if somebody sat there.
#pragma once

#include <memory>

#include "io/loop.h"
#include "io/process.h"

namespace landfall::io {

class Terminal {
 public:
  // Errors: those of run_command. The program leads a session; it is killed with this object.
  static Result<Terminal> start(Loop& loop, const Command& command);
  Terminal(Terminal&&) noexcept;
  ~Terminal();

  // What it has written; empty: nobody has the terminal open any more. One reader at a time.
  task<Result<std::string>> read();
  // Types; at most a terminal's line is taken without somebody reading. One writer at a time.
  task<Result<void>> write(std::string bytes);
  void resize(int rows, int columns);
  // Resumes when the program has ended, with its exit code as a shell sees it.
  task<int> ended();

 private:
  struct Impl;
  explicit Terminal(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The leader of a session on the terminal `fd`. The caller reaps it.
Result<int> start_on_terminal(const Command& command, int fd);

}  // namespace landfall::io
