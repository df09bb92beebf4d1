#include "services/rds/formula.h"

#include <array>

namespace landfall::rds {
namespace {

constexpr int kMostDepth = 16;

// expression := term (('+'|'-') term)*;  term := factor (('*'|'/') factor)*
// factor := number | variable | '{' expression '}' | '(' expression ')' | FUNCTION '(' list ')'
class Reader {
 public:
  Reader(std::string_view text, const FormulaInputs& inputs) : rest_(text), inputs_(inputs) {}

  Result<std::int64_t> read() {
    LF_TRY(value, sum(0));
    if (peek() != '\0') return bad();
    return value;
  }

 private:
  char peek() {
    while (!rest_.empty() && rest_.front() == ' ') rest_.remove_prefix(1);
    return rest_.empty() ? '\0' : rest_.front();
  }
  bool take(char c) {
    if (peek() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  static std::unexpected<Error> bad() {
    return fail("InvalidParameterValue", "The formula cannot be read.");
  }

  Result<std::int64_t> sum(int depth) {
    if (depth > kMostDepth) return bad();
    LF_TRY(value, product(depth));
    while (peek() == '+' || peek() == '-') {
      const bool plus = rest_.front() == '+';
      rest_.remove_prefix(1);
      LF_TRY(more, product(depth));
      if (plus ? __builtin_add_overflow(value, more, &value)
               : __builtin_sub_overflow(value, more, &value))
        return bad();
    }
    return value;
  }

  Result<std::int64_t> product(int depth) {
    LF_TRY(value, factor(depth));
    while (peek() == '*' || peek() == '/') {
      const bool times = rest_.front() == '*';
      rest_.remove_prefix(1);
      LF_TRY(more, factor(depth));
      if (times) {
        if (__builtin_mul_overflow(value, more, &value)) return bad();
      } else {
        if (more == 0) return bad();
        value /= more;
      }
    }
    return value;
  }

  Result<std::int64_t> factor(int depth) {
    for (const auto& [open, close] : {std::pair{'{', '}'}, std::pair{'(', ')'}}) {
      if (!take(open)) continue;
      LF_TRY(value, sum(depth + 1));
      if (!take(close)) return bad();
      return value;
    }
    const char first = peek();
    if (first >= '0' && first <= '9') {
      std::int64_t value = 0;
      const auto read = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
      if (read.ec != std::errc()) return bad();
      rest_.remove_prefix(std::size_t(read.ptr - rest_.data()));
      return value;
    }
    return named(depth);
  }

  Result<std::int64_t> named(int depth) {
    std::size_t end = 0;
    while (end < rest_.size() && std::isalnum(static_cast<unsigned char>(rest_[end]))) ++end;
    const std::string_view name = rest_.substr(0, end);
    rest_.remove_prefix(end);
    if (name == "DBInstanceClassMemory") return inputs_.instance_class_memory;
    if (name == "AllocatedStorage") return inputs_.allocated_storage;
    if (name == "DBInstanceVCPU") return inputs_.vcpus;
    if (name == "EndPointPort") return inputs_.port;
    if (name != "LEAST" && name != "GREATEST" && name != "SUM") return bad();
    if (!take('(')) return bad();
    LF_TRY(value, sum(depth + 1));
    while (take(',')) {
      LF_TRY(more, sum(depth + 1));
      if (name == "LEAST") {
        value = std::min(value, more);
      } else if (name == "GREATEST") {
        value = std::max(value, more);
      } else if (__builtin_add_overflow(value, more, &value)) {
        return bad();
      }
    }
    if (!take(')')) return bad();
    return value;
  }

  std::string_view rest_;
  const FormulaInputs& inputs_;
};

}  // namespace

bool is_formula(std::string_view value) {
  static constexpr std::array<std::string_view, 4> kBegin = {"{", "LEAST(", "GREATEST(", "SUM("};
  return std::ranges::any_of(kBegin, [&](auto begin) { return value.starts_with(begin); });
}

Result<std::string> evaluate_formula(std::string_view value, const FormulaInputs& inputs) {
  if (!is_formula(value)) return std::string(value);
  LF_TRY(number, Reader(value, inputs).read());
  return std::to_string(number);
}

}  // namespace landfall::rds
