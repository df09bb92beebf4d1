// The tokens of a query. '/' begins a regular expression or divides: the parser knows which, and
// asks for take_regex().
#pragma once

#include "services/logs/insights/syntax.h"

namespace landfall::logs::insights {

struct Token {
  enum class Kind { end, word, quoted_field, string, number, period, symbol };
  Kind kind = Kind::end;
  Span span;
  std::string text;  // strings and quoted fields without their quotation marks

  bool is(std::string_view symbol) const { return kind == Kind::symbol && text == symbol; }
  // In any case.
  bool is_word(std::string_view word) const;
};

class Lexer {
 public:
  explicit Lexer(std::string_view query) : query_(query) {}
  Result<void> start() { return advance(); }
  const Token& next() const { return next_; }
  Result<Token> take();
  // The next token is the '/' that opens it.
  Result<std::pair<std::string, Span>> take_regex();
  std::string_view query() const { return query_; }
  // Where what was taken last ends.
  std::size_t taken_to() const { return taken_to_; }

 private:
  Result<void> advance();
  void skip_space();
  Result<void> take_string(char quote);
  void take_number();

  std::string_view query_;
  std::size_t at_ = 0;
  std::size_t taken_to_ = 0;
  Token next_;
};

}  // namespace landfall::logs::insights
