#include "proxy/rules/regex.h"

#include <fmt/format.h>

#include <string>

namespace landfall::proxy {

// Set of instructions with constant-time insertion and clearing.
struct Regex::Threads {
  explicit Threads(std::size_t size) : sparse(size), dense(size) {}
  bool add(std::uint32_t at) {
    if (sparse[at] < count && dense[sparse[at]] == at) return false;
    sparse[at] = count;
    dense[count++] = at;
    return true;
  }
  std::vector<std::uint32_t> sparse, dense;
  std::uint32_t count = 0;
  std::vector<std::uint32_t> stack = {};
};

// Adds `start` and all that is reached from it without reading. True when that includes the match.
bool Regex::follow(Threads& threads, std::uint32_t start, bool begin, bool end) const {
  threads.stack.assign(1, start);
  bool matched = false;
  while (!threads.stack.empty()) {
    const std::uint32_t at = threads.stack.back();
    threads.stack.pop_back();
    if (!threads.add(at)) continue;
    const Instruction& instruction = program_[at];
    switch (instruction.op) {
      case Op::match:
        matched = true;
        break;
      case Op::jump:
        threads.stack.push_back(instruction.x);
        break;
      case Op::split:
        threads.stack.push_back(instruction.y);
        threads.stack.push_back(instruction.x);
        break;
      case Op::save:
        threads.stack.push_back(at + 1);
        break;
      case Op::at_begin:
        if (begin) threads.stack.push_back(at + 1);
        break;
      case Op::at_end:
        if (end) threads.stack.push_back(at + 1);
        break;
      case Op::byte_set:
        break;
    }
  }
  return matched;
}

bool Regex::matches(std::string_view text) const {
  Threads now(program_.size()), next(program_.size());
  for (std::size_t i = 0;; ++i) {
    // A search: a match may begin anywhere.
    if (follow(now, 0, i == 0, i == text.size())) return true;
    if (i == text.size()) return false;
    const auto byte = static_cast<unsigned char>(text[i]);
    next.count = 0;
    for (std::uint32_t k = 0; k < now.count; ++k) {
      const std::uint32_t at = now.dense[k];
      const Instruction& instruction = program_[at];
      if (instruction.op != Op::byte_set) continue;
      if ((sets_[instruction.x][byte >> 6] >> (byte & 63) & 1) == 0) continue;
      if (follow(next, at + 1, false, i + 1 == text.size())) return true;
    }
    std::swap(now, next);
  }
}

// Recursive descent; every construct appends its code to the program.
class RegexParser {
 public:
  RegexParser(std::string_view text, bool ignore_case) : text_(text), ignore_case_(ignore_case) {}

  Result<std::shared_ptr<const Regex>> parse() {
    if (text_.size() > 1024) return fail("regex-invalid", "the expression is too long");
    if (!alternatives(0) || at_ != text_.size()) {
      return fail("regex-invalid",
                  fmt::format("the expression '{}' is not valid at character {}", text_, at_ + 1));
    }
    emit({Regex::Op::match});
    return std::make_shared<const Regex>(std::move(out_));
  }

 private:
  using Op = Regex::Op;
  using Code = std::vector<Regex::Instruction>;
  static constexpr std::size_t kProgramLimit = 8192;

  std::uint32_t here() const { return static_cast<std::uint32_t>(out_.program_.size()); }
  void emit(Regex::Instruction instruction) { out_.program_.push_back(instruction); }
  bool more() const { return at_ < text_.size(); }
  bool take(char c) {
    if (!more() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  // Code is position dependent; cutting it out and putting it back elsewhere moves its jumps.
  Code cut(std::uint32_t from) {
    Code out(out_.program_.begin() + from, out_.program_.end());
    out_.program_.resize(from);
    for (auto& each : out) {
      if (each.op == Op::split || each.op == Op::jump) each.x -= from;
      if (each.op == Op::split) each.y -= from;
    }
    return out;
  }
  bool paste(const Code& code) {
    const std::uint32_t base = here();
    if (base + code.size() > kProgramLimit) return false;
    for (Regex::Instruction each : code) {
      if (each.op == Op::split || each.op == Op::jump) each.x += base;
      if (each.op == Op::split) each.y += base;
      emit(each);
    }
    return true;
  }

  bool alternatives(int depth) {
    if (depth > 50) return false;
    const std::uint32_t start = here();
    if (!sequence(depth)) return false;
    while (take('|')) {
      const Code left = cut(start);
      emit({Op::split, start + 1, static_cast<std::uint32_t>(start + code_size(left) + 2)});
      if (!paste(left)) return false;
      const std::uint32_t jump = here();
      emit({Op::jump});
      if (!sequence(depth)) return false;
      out_.program_[jump].x = here();
    }
    return true;
  }
  static std::uint32_t code_size(const Code& code) {
    return static_cast<std::uint32_t>(code.size());
  }

  bool sequence(int depth) {
    while (more() && text_[at_] != '|' && text_[at_] != ')') {
      const std::uint32_t start = here();
      if (!atom(depth) || !repeat(start)) return false;
    }
    return true;
  }

  bool number(int& out) {
    const std::size_t begin = at_;
    out = 0;
    while (more() && text_[at_] >= '0' && text_[at_] <= '9' && at_ - begin < 4)
      out = out * 10 + (text_[at_++] - '0');
    return at_ != begin;
  }

  bool repeat(std::uint32_t start) {
    int least = 1, most = 1;
    if (take('*')) {
      least = 0, most = -1;
    } else if (take('+')) {
      least = 1, most = -1;
    } else if (take('?')) {
      least = 0;
    } else if (more() && text_[at_] == '{') {
      ++at_;
      if (!number(least)) return false;
      most = least;
      if (take(',') && !number(most)) most = -1;
      if (!take('}') || (most >= 0 && most < least) || least > 200 || most > 200) return false;
    } else {
      return true;
    }
    const bool lazy = take('?');
    const auto branch = [&](std::uint32_t in, std::uint32_t past) {
      emit(lazy ? Regex::Instruction{Op::split, past, in}
                : Regex::Instruction{Op::split, in, past});
    };
    const Code code = cut(start);
    for (int i = 0; i < least; ++i) {
      if (!paste(code)) return false;
    }
    if (most < 0) {
      const std::uint32_t loop = here();
      branch(loop + 1, loop + code_size(code) + 2);
      if (!paste(code)) return false;
      emit({Op::jump, loop});
    }
    for (int i = least; i < most; ++i) {
      branch(here() + 1, here() + code_size(code) + 1);
      if (!paste(code)) return false;
    }
    return here() <= kProgramLimit;
  }

  bool group(int depth) {
    if (take('?')) return take(':') && alternatives(depth + 1) && take(')');
    const int number = ++out_.groups_;
    const bool kept = number < static_cast<int>(Regex::kGroups);
    const auto slot = static_cast<std::uint32_t>(2 * number);
    if (kept) emit({Op::save, slot});
    if (!alternatives(depth + 1) || !take(')')) return false;
    if (kept) emit({Op::save, slot + 1});
    return true;
  }

  bool atom(int depth) {
    const char c = text_[at_++];
    Regex::Set set{};
    switch (c) {
      case '(':
        return group(depth);
      case '[':
        if (!bracket(set)) return false;
        break;
      case '.':
        set.fill(~std::uint64_t{0});
        break;
      case '^':
        emit({Op::at_begin});
        return true;
      case '$':
        emit({Op::at_end});
        return true;
      case '\\':
        if (!more() || !escape(text_[at_++], set)) return false;
        break;
      case '*':
      case '+':
      case '?':
      case '{':
        return false;
      default:
        add(set, static_cast<unsigned char>(c));
    }
    emit({Op::byte_set, static_cast<std::uint32_t>(out_.sets_.size())});
    out_.sets_.push_back(set);
    return here() <= kProgramLimit;
  }

  void add(Regex::Set& set, unsigned char byte) const {
    const auto put = [&](unsigned char b) { set[b >> 6] |= std::uint64_t{1} << (b & 63); };
    put(byte);
    if (!ignore_case_) return;
    if (byte >= 'a' && byte <= 'z') put(static_cast<unsigned char>(byte - 32));
    if (byte >= 'A' && byte <= 'Z') put(static_cast<unsigned char>(byte + 32));
  }
  void add_range(Regex::Set& set, int from, int to) const {
    for (int b = from; b <= to; ++b) add(set, static_cast<unsigned char>(b));
  }

  bool escape(char c, Regex::Set& set) const {
    Regex::Set inner{};
    const char small = static_cast<char>(c | 0x20);
    if (small == 'd') {
      add_range(inner, '0', '9');
    } else if (small == 'w') {
      add_range(inner, '0', '9');
      add_range(inner, 'a', 'z');
      add_range(inner, 'A', 'Z');
      add(inner, '_');
    } else if (small == 's') {
      for (const char space : {' ', '\t', '\n', '\r', '\f', '\v'})
        add(inner, static_cast<unsigned char>(space));
    } else {
      // Other letters and digits mean things that are not supported.
      if ((small >= 'a' && small <= 'z') || (c >= '0' && c <= '9')) return false;
      add(set, static_cast<unsigned char>(c));
      return true;
    }
    for (std::size_t i = 0; i < 4; ++i) set[i] |= c == small ? inner[i] : ~inner[i];
    return true;
  }

  bool bracket(Regex::Set& set) {
    const bool negated = take('^');
    for (bool first = true;; first = false) {
      if (!more()) return false;
      char c = text_[at_++];
      if (c == ']' && !first) break;
      if (c == '\\') {
        if (!more()) return false;
        c = text_[at_++];
        const char small = static_cast<char>(c | 0x20);
        if (small == 'd' || small == 'w' || small == 's') {
          if (!escape(c, set)) return false;
          continue;
        }
        if (small >= 'a' && small <= 'z') return false;
      }
      int to = static_cast<unsigned char>(c);
      const int from = to;
      if (at_ + 1 < text_.size() && text_[at_] == '-' && text_[at_ + 1] != ']') {
        ++at_;
        if (take('\\') && !more()) return false;
        to = static_cast<unsigned char>(text_[at_++]);
        if (to < from) return false;
      }
      add_range(set, from, to);
    }
    if (negated) {
      for (auto& word : set) word = ~word;
    }
    return true;
  }

  std::string_view text_;
  bool ignore_case_;
  std::size_t at_ = 0;
  Regex out_;
};

Result<std::shared_ptr<const Regex>> Regex::compile(std::string_view text, bool ignore_case) {
  return RegexParser(text, ignore_case).parse();
}

}  // namespace landfall::proxy
