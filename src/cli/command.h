// The sub-commands of `landfall`.
#pragma once

#include <string>
#include <vector>

namespace landfall::cli {

struct Command {
  std::string name;
  std::string summary;  // one line for the list of commands
  int (*run)(const std::vector<std::string>& words);
};

// Exit codes: 0 done, 1 failed (said on standard error), 2 wrong usage.
int run_serve(const std::vector<std::string>& words);
int run_env(const std::vector<std::string>& words);
int run_status(const std::vector<std::string>& words);
int run_exec(const std::vector<std::string>& words);
int run_why(const std::vector<std::string>& words);
int run_down(const std::vector<std::string>& words);
int run_dns(const std::vector<std::string>& words);
int run_proxy(const std::vector<std::string>& words);

int run(const std::vector<std::string>& words);

// "landfall: ..." on standard error; returns `code`.
int complain(const std::string& message, int code = 1);

}  // namespace landfall::cli
