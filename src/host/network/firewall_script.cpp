// From one ruleset to another, as a script for nft.
#include "host/network/firewall.h"

namespace landfall::host::network {
namespace {

constexpr std::string_view kTable = "inet landfall";

std::string braces(const std::set<std::string>& elements) {
  return fmt::format("{{ {} }}", fmt::join(elements, ", "));
}
std::string braces(const std::map<std::string, std::string>& elements) {
  std::vector<std::string> pairs;
  for (const auto& [key, value] : elements) pairs.push_back(fmt::format("{} : {}", key, value));
  return fmt::format("{{ {} }}", fmt::join(pairs, ", "));
}

// Elements of `from` that `other` does not hold equally.
std::set<std::string> only_in(const std::set<std::string>& from,
                              const std::set<std::string>& other) {
  std::set<std::string> out;
  std::ranges::set_difference(from, other, std::inserter(out, out.end()));
  return out;
}
std::map<std::string, std::string> only_in(const std::map<std::string, std::string>& from,
                                           const std::map<std::string, std::string>& other) {
  std::map<std::string, std::string> out;
  std::ranges::set_difference(from, other, std::inserter(out, out.end()));
  return out;
}

// Appends the commands that make the elements of the sets (or maps) of `before` those of `after`.
template <class Collection>
void change_elements(std::string& script, const std::map<std::string, Collection>& before,
                     const std::map<std::string, Collection>& after) {
  static const Collection kNone;
  for (const auto& [name, wanted] : after) {
    const auto found = before.find(name);
    const Collection& had = found == before.end() ? kNone : found->second;
    const auto gone = only_in(had.elements, wanted.elements);
    const auto added = only_in(wanted.elements, had.elements);
    if (!gone.empty()) {
      script += fmt::format("delete element {} {} {}\n", kTable, name, braces(gone));
    }
    if (!added.empty()) {
      script += fmt::format("add element {} {} {}\n", kTable, name, braces(added));
    }
  }
}

template <class Collection>
bool same_types(const std::map<std::string, Collection>& before,
                const std::map<std::string, Collection>& after) {
  return std::ranges::all_of(after, [&](const auto& entry) {
    const auto found = before.find(entry.first);
    return found == before.end() || found->second.type == entry.second.type;
  });
}

}  // namespace

std::string full_script(const Ruleset& wanted) {
  // "add, delete, add" makes the deletion succeed whether or not the table is there.
  std::string script = fmt::format("add table {0}\ndelete table {0}\nadd table {0}\n", kTable);
  for (const auto& [name, set] : wanted.sets) {
    script += fmt::format("add set {} {} {{ {} }}\n", kTable, name, set.type);
  }
  // Verdict maps name chains, and chains name sets: declare all before filling any.
  for (const auto& [name, rules] : wanted.chains)
    script += fmt::format("add chain {} {}\n", kTable, name);
  for (const auto& [name, map] : wanted.maps) {
    script += fmt::format("add map {} {} {{ {} }}\n", kTable, name, map.type);
  }
  change_elements(script, {}, wanted.sets);
  change_elements(script, {}, wanted.maps);
  for (const auto& [name, rules] : wanted.chains) {
    for (const std::string& rule : rules)
      script += fmt::format("add rule {} {} {}\n", kTable, name, rule);
  }
  for (const auto& [name, lines] : wanted.base_chains) {
    script += fmt::format("add chain {} {} {{ {} }}\n", kTable, name, lines.front());
    for (std::size_t i = 1; i < lines.size(); ++i) {
      script += fmt::format("add rule {} {} {}\n", kTable, name, lines[i]);
    }
  }
  return script;
}

std::string chains_script(const Chains& chains) {
  std::string script;
  for (const auto& [name, rules] : chains) {
    script += fmt::format("flush chain {} {}\n", kTable, name);
    for (const std::string& rule : rules) {
      script += fmt::format("add rule {} {} {}\n", kTable, name, rule);
    }
  }
  return script;
}

std::string change_script(const Ruleset& applied, const Ruleset& wanted) {
  if (applied == wanted) return "";
  if (applied.base_chains != wanted.base_chains || !same_types(applied.sets, wanted.sets) ||
      !same_types(applied.maps, wanted.maps)) {
    return full_script(wanted);
  }
  std::string script;
  for (const auto& [name, set] : wanted.sets) {
    if (applied.sets.contains(name)) continue;
    script += fmt::format("add set {} {} {{ {} }}\n", kTable, name, set.type);
  }
  for (const auto& [name, rules] : wanted.chains) {
    if (!applied.chains.contains(name)) script += fmt::format("add chain {} {}\n", kTable, name);
  }
  for (const auto& [name, rules] : wanted.chains) {
    const auto had = applied.chains.find(name);
    if (had != applied.chains.end()) {
      if (had->second == rules) continue;
      script += fmt::format("flush chain {} {}\n", kTable, name);
    }
    for (const std::string& rule : rules)
      script += fmt::format("add rule {} {} {}\n", kTable, name, rule);
  }
  change_elements(script, applied.sets, wanted.sets);
  change_elements(script, applied.maps, wanted.maps);
  // What refers to others goes first: rules, then chains, then the sets they named.
  std::string removal;
  for (const auto& [name, rules] : applied.chains) {
    if (wanted.chains.contains(name)) continue;
    script += fmt::format("flush chain {} {}\n", kTable, name);
    removal += fmt::format("delete chain {} {}\n", kTable, name);
  }
  for (const auto& [name, set] : applied.sets) {
    if (!wanted.sets.contains(name)) removal += fmt::format("delete set {} {}\n", kTable, name);
  }
  return script + removal;
}

}  // namespace landfall::host::network
