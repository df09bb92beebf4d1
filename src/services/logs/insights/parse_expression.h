// Expressions: arithmetic, comparisons, functions. Deep nesting is refused, not followed.
#pragma once

#include "services/logs/insights/lexer.h"

namespace landfall::logs::insights {

class ExpressionParser {
 public:
  explicit ExpressionParser(Lexer& lexer) : lexer_(lexer) {}
  Result<Expr> parse();
  // Without comparisons, so that what follows is no division: a field or a call.
  Result<Expr> parse_operand();
  // The next token is the '/' that opens it.
  Result<std::shared_ptr<const Regex>> parse_regex();
  // The error for a next token that fits nowhere.
  std::unexpected<Error> unexpected() const;

 private:
  Result<Expr> parse_any();
  Result<Expr> parse_all();
  Result<Expr> parse_negation();
  Result<Expr> parse_comparison();
  Result<Expr> parse_like(Expr left, bool negated);
  Result<Expr> parse_in(Expr left, bool negated);
  Result<Expr> parse_sum();
  Result<Expr> parse_product();
  Result<Expr> parse_power();
  Result<Expr> parse_signed();
  Result<Expr> parse_primary();
  Result<Expr> parse_call(Token name);
  Result<Expr> parse_words(std::string_view word, Expr::Kind kind,
                           Result<Expr> (ExpressionParser::*part)());
  Result<void> count();

  Lexer& lexer_;
  int depth_ = 0;
  std::size_t parts_ = 0;
};

}  // namespace landfall::logs::insights
