// Command lines: "--name value" or "--name=value", and words.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace landfall::cli {

struct Option {
  std::string name;      // "--data-dir"
  std::string value;     // what stands for it in the help, "DIR"; empty: a flag
  std::string fallback;  // used when absent
  std::string help;
};

struct Parsed {
  std::map<std::string, std::string> options;  // by name; flags that were given hold "yes"
  std::vector<std::string> words;
  const std::string& operator[](const std::string& name) const { return options.at(name); }
  bool flag(const std::string& name) const { return !options.at(name).empty(); }
};

// Error "usage", with a message that names the word at fault. most_words: how many words beside the
// options the command takes.
Result<Parsed> parse(const std::vector<Option>& known, const std::vector<std::string>& words,
                     std::size_t most_words = 0);

// The options as a table for --help.
std::string describe(const std::vector<Option>& known);

inline const Option kDataDir = {"--data-dir", "DIR", "/var/lib/landfall",
                                "where everything is kept"};

}  // namespace landfall::cli
