#include "cli/options.h"

namespace landfall::cli {

Result<Parsed> parse(const std::vector<Option>& known, const std::vector<std::string>& words,
                     std::size_t most_words) {
  Parsed out;
  for (const Option& option : known) out.options[option.name] = option.fallback;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "-h") {
      out.options["--help"] = "yes";
      continue;
    }
    if (!word.starts_with('-')) {
      out.words.push_back(word);
      continue;
    }
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const auto option = std::ranges::find(known, name, &Option::name);
    if (option == known.end()) return fail("usage", fmt::format("unknown option {}", name));
    if (option->value.empty()) {
      if (equals != std::string::npos) return fail("usage", fmt::format("{} takes no value", name));
      out.options[name] = "yes";
    } else if (equals != std::string::npos) {
      out.options[name] = word.substr(equals + 1);
    } else if (i + 1 < words.size()) {
      out.options[name] = words[++i];
    } else {
      return fail("usage", fmt::format("{} needs a value: {} {}", name, name, option->value));
    }
    // "--data-dir $UNSET" must not fall back on anything. (Options without a default may be empty.)
    if (!option->value.empty() && !option->fallback.empty() && out.options[name].empty()) {
      return fail("usage", fmt::format("the value of {} is empty", name));
    }
  }
  if (out.words.size() > most_words && out.options["--help"].empty()) {
    return fail("usage", fmt::format("unexpected word '{}'", out.words[most_words]));
  }
  return out;
}

std::string describe(const std::vector<Option>& known) {
  std::string out;
  for (const Option& option : known) {
    out += fmt::format(
        "  {:<28} {}{}\n", option.name + (option.value.empty() ? "" : " " + option.value),
        option.help, option.fallback.empty() ? "" : fmt::format(" (default {})", option.fallback));
  }
  return out;
}

}  // namespace landfall::cli
