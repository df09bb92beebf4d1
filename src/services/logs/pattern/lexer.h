// Characters of a pattern, one after the other; shared by the forms that have a grammar.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "services/logs/regex/regex.h"

namespace landfall::logs {

inline constexpr int kMostPatternDepth = 32;

std::unexpected<Error> invalid_pattern(std::string_view what);

class Lexer {
 public:
  explicit Lexer(std::string_view text) : rest_(text) {}
  void skip_space();
  bool at_end();
  // Takes `token` if it is next (after space).
  bool take(std::string_view token);
  // As take(), but for a word in any case that ends there.
  bool take_word(std::string_view word);
  char peek();                                   // after space; '\0' at the end
  Result<std::string> quoted();                  // "..." with \" and \\; the opening quote is next
  Result<std::shared_ptr<const Regex>> regex();  // %...%; the opening % is next
  // Up to space or one of `stops`.
  std::string bare(std::string_view stops);
  // "=", "!=", "<", ">", "<=", ">="; empty when none is next.
  std::string comparison();

 private:
  std::string_view rest_;
};

// One operand of a comparison: a number, text with '*', or a regular expression.
struct Operand {
  std::string text;
  std::shared_ptr<const Regex> regex;
  bool quoted = false;
  bool numeric = false;
  double number = 0;
};
Result<Operand> take_operand(Lexer& lexer, std::string_view stops);
// value OP operand, for a value that was text in the event; `numeric` when it was a number.
bool compare(std::string_view comparison, std::string_view value, const Operand& operand);

}  // namespace landfall::logs
