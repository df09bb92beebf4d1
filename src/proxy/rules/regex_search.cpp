// A search that tells where groups matched: Pike's form of Thompson's algorithm. All alternatives
// are still followed at once; each carries its groups, and those that are preferred stay in front.
#include "proxy/rules/regex.h"

namespace landfall::proxy {

struct Regex::Search {
  static constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);
  using Slots = std::array<std::size_t, 2 * kGroups>;

  // Alternatives in the order in which they are preferred.
  struct List {
    explicit List(std::size_t size) : sparse(size), dense(size), slots(size) {}
    bool add(std::uint32_t at) {
      if (sparse[at] < count && dense[sparse[at]] == at) return false;
      sparse[at] = count;
      dense[count++] = at;
      return true;
    }
    std::vector<std::uint32_t> sparse, dense;
    std::vector<Slots> slots;  // by instruction
    std::uint32_t count = 0;
  };
  // Go on at `at`; or, with `restores`, put back what the slot `at` held.
  struct Step {
    std::uint32_t at = 0;
    bool restores = false;
    std::size_t value = 0;
  };

  Search(const Regex& of, std::string_view in)
      : regex(of), text(in), now(of.program_.size()), next(of.program_.size()) {}

  // Adds what is reached from `start` without reading, in its order.
  void follow(List& list, std::uint32_t start, Slots slots, std::size_t position) {
    stack.assign(1, {.at = start});
    while (!stack.empty()) {
      const Step step = stack.back();
      stack.pop_back();
      if (step.restores) {
        slots[step.at] = step.value;
        continue;
      }
      if (!list.add(step.at)) continue;
      const Instruction& instruction = regex.program_[step.at];
      switch (instruction.op) {
        case Op::jump:
          stack.push_back({.at = instruction.x});
          break;
        case Op::split:
          stack.push_back({.at = instruction.y});
          stack.push_back({.at = instruction.x});
          break;
        case Op::save:
          stack.push_back({.at = instruction.x, .restores = true, .value = slots[instruction.x]});
          slots[instruction.x] = position;
          stack.push_back({.at = step.at + 1});
          break;
        case Op::at_begin:
          if (position == 0) stack.push_back({.at = step.at + 1});
          break;
        case Op::at_end:
          if (position == text.size()) stack.push_back({.at = step.at + 1});
          break;
        case Op::byte_set:
        case Op::match:
          list.slots[step.at] = slots;
          break;
      }
    }
  }

  bool run(Slots& found) {
    bool matched = false;
    for (std::size_t i = 0;; ++i) {
      if (!matched) {
        Slots fresh;
        fresh.fill(kNowhere);
        fresh[0] = i;
        follow(now, 0, fresh, i);
      }
      next.count = 0;
      for (std::uint32_t k = 0; k < now.count; ++k) {
        const std::uint32_t at = now.dense[k];
        const Instruction& instruction = regex.program_[at];
        if (instruction.op == Op::match) {
          // What follows in the list is less preferred.
          found = now.slots[at];
          found[1] = i;
          matched = true;
          break;
        }
        if (instruction.op != Op::byte_set || i == text.size()) continue;
        const auto byte = static_cast<unsigned char>(text[i]);
        if ((regex.sets_[instruction.x][byte >> 6] >> (byte & 63) & 1) == 0) continue;
        follow(next, at + 1, now.slots[at], i + 1);
      }
      std::swap(now, next);
      if (i == text.size() || (matched && now.count == 0)) return matched;
    }
  }

  const Regex& regex;
  std::string_view text;
  List now, next;
  std::vector<Step> stack;
};

bool Regex::search(std::string_view text, Groups& out) const {
  Search search(*this, text);
  Search::Slots found;
  if (!search.run(found)) return false;
  for (std::size_t i = 0; i < kGroups; ++i) {
    const std::size_t from = found[2 * i], to = found[2 * i + 1];
    const bool took_part = from != Search::kNowhere && to != Search::kNowhere;
    out[i] = took_part ? text.substr(from, to - from) : std::string_view();
  }
  return true;
}

}  // namespace landfall::proxy
