#include "services/logs/insights/parse_expression.h"

#include <fmt/format.h>

#include <charconv>

namespace landfall::logs::insights {

namespace {

constexpr int kMostDepth = 50;
// Of a whole query. Chains like a + b + c nest, so this bounds the depth of an evaluation, too.
constexpr std::size_t kMostParts = 1000;

Expr combine(Expr::Kind kind, std::string text, Expr left, Expr right) {
  Expr both;
  both.kind = kind;
  both.text = std::move(text);
  both.span = {left.span.begin, right.span.end};
  both.args.push_back(std::move(left));
  both.args.push_back(std::move(right));
  return both;
}

Expr negated(Expr inner, bool negate) {
  if (!negate) return inner;
  Expr outer;
  outer.kind = Expr::Kind::negate;
  outer.span = inner.span;
  outer.args.push_back(std::move(inner));
  return outer;
}

class Deeper {
 public:
  explicit Deeper(int& depth) : depth_(depth) { ++depth_; }
  ~Deeper() { --depth_; }
  Deeper(const Deeper&) = delete;

 private:
  int& depth_;
};

}  // namespace

std::unexpected<Error> ExpressionParser::unexpected() const {
  const Token& token = lexer_.next();
  if (token.kind == Token::Kind::end) {
    return malformed(lexer_.query(), token.span, "unexpected end of the query");
  }
  const std::string_view before = lexer_.query().substr(0, token.span.begin);
  const auto line_begin = before.rfind('\n') + 1;  // 0 when there is none
  return malformed(
      lexer_.query(), token.span,
      fmt::format("unexpected symbol found {} at line {} and position {}",
                  lexer_.query().substr(token.span.begin, token.span.end - token.span.begin),
                  std::count(before.begin(), before.end(), '\n') + 1,
                  before.size() - line_begin + 1));
}

Result<void> ExpressionParser::count() {
  if (++parts_ > kMostParts || depth_ > kMostDepth) {
    return malformed(lexer_.query(), lexer_.next().span, "the query is too complex");
  }
  return {};
}

Result<Expr> ExpressionParser::parse() { return parse_any(); }

Result<Expr> ExpressionParser::parse_words(std::string_view word, Expr::Kind kind,
                                           Result<Expr> (ExpressionParser::*part)()) {
  LF_TRY(first, (this->*part)());
  if (!lexer_.next().is_word(word)) return std::move(first);
  Expr list;
  list.kind = kind;
  list.span = first.span;
  list.args.push_back(std::move(first));
  while (lexer_.next().is_word(word)) {
    LF_OK(lexer_.take());
    LF_TRY(next, (this->*part)());
    list.span.end = next.span.end;
    list.args.push_back(std::move(next));
  }
  return list;
}

Result<Expr> ExpressionParser::parse_any() {
  return parse_words("or", Expr::Kind::any, &ExpressionParser::parse_all);
}

Result<Expr> ExpressionParser::parse_all() {
  return parse_words("and", Expr::Kind::all, &ExpressionParser::parse_negation);
}

Result<Expr> ExpressionParser::parse_negation() {
  if (!lexer_.next().is_word("not")) return parse_comparison();
  const Deeper deeper(depth_);
  LF_OK(count());
  LF_OK(lexer_.take());
  LF_TRY(inner, parse_negation());
  return negated(std::move(inner), true);
}

Result<Expr> ExpressionParser::parse_comparison() {
  LF_TRY(left, parse_sum());
  bool negate = false;
  if (lexer_.next().is_word("not")) {
    LF_OK(lexer_.take());
    negate = true;
  }
  if (lexer_.next().is_word("like") || lexer_.next().is("=~")) {
    LF_OK(lexer_.take());
    return parse_like(std::move(left), negate);
  }
  if (lexer_.next().is_word("in")) {
    LF_OK(lexer_.take());
    return parse_in(std::move(left), negate);
  }
  if (negate) return unexpected();
  for (const std::string_view sign : {"=", "!=", "<", "<=", ">", ">="}) {
    if (!lexer_.next().is(sign)) continue;
    LF_OK(lexer_.take());
    LF_TRY(right, parse_sum());
    return combine(Expr::Kind::compare, std::string(sign), std::move(left), std::move(right));
  }
  return std::move(left);
}

Result<std::shared_ptr<const Regex>> ExpressionParser::parse_regex() {
  LF_TRY(text, lexer_.take_regex());
  auto regex = Regex::compile(text.first);
  if (!regex) return malformed(lexer_.query(), text.second, regex.error().message);
  return std::move(*regex);
}

Result<Expr> ExpressionParser::parse_like(Expr left, bool negate) {
  Expr like;
  like.kind = Expr::Kind::like;
  like.span = {left.span.begin, lexer_.next().span.end};
  like.args.push_back(std::move(left));
  if (lexer_.next().is("/")) {
    LF_TRY(regex, parse_regex());
    like.regex = std::move(regex);
  } else if (lexer_.next().kind == Token::Kind::string) {
    LF_TRY(text, lexer_.take());
    like.text = std::move(text.text);
  } else {
    return unexpected();
  }
  return negated(std::move(like), negate);
}

Result<Expr> ExpressionParser::parse_in(Expr left, bool negate) {
  Expr in;
  in.kind = Expr::Kind::in;
  in.span = left.span;
  in.args.push_back(std::move(left));
  if (!lexer_.next().is("[")) return unexpected();
  do {
    LF_OK(lexer_.take());
    LF_TRY(item, parse_sum());
    in.args.push_back(std::move(item));
  } while (lexer_.next().is(","));
  if (!lexer_.next().is("]")) return unexpected();
  in.span.end = lexer_.next().span.end;
  LF_OK(lexer_.take());
  return negated(std::move(in), negate);
}

Result<Expr> ExpressionParser::parse_sum() {
  LF_TRY(left, parse_product());
  while (lexer_.next().is("+") || lexer_.next().is("-")) {
    LF_OK(count());
    LF_TRY(sign, lexer_.take());
    LF_TRY(right, parse_product());
    left = combine(Expr::Kind::math, sign.text, std::move(left), std::move(right));
  }
  return std::move(left);
}

Result<Expr> ExpressionParser::parse_product() {
  LF_TRY(left, parse_power());
  while (lexer_.next().is("*") || lexer_.next().is("/") || lexer_.next().is("%")) {
    LF_OK(count());
    LF_TRY(sign, lexer_.take());
    LF_TRY(right, parse_power());
    left = combine(Expr::Kind::math, sign.text, std::move(left), std::move(right));
  }
  return std::move(left);
}

Result<Expr> ExpressionParser::parse_power() {
  LF_TRY(left, parse_signed());
  if (!lexer_.next().is("^")) return std::move(left);
  const Deeper deeper(depth_);
  LF_OK(count());
  LF_OK(lexer_.take());
  LF_TRY(right, parse_power());
  return combine(Expr::Kind::math, "^", std::move(left), std::move(right));
}

Result<Expr> ExpressionParser::parse_signed() {
  if (!lexer_.next().is("-")) return parse_primary();
  const Deeper deeper(depth_);
  LF_OK(count());
  LF_TRY(sign, lexer_.take());
  LF_TRY(inner, parse_signed());
  Expr out;
  out.kind = Expr::Kind::math;
  out.text = "-";
  out.span = {sign.span.begin, inner.span.end};
  out.args.push_back(std::move(inner));
  return out;
}

Result<Expr> ExpressionParser::parse_operand() { return parse_primary(); }

Result<Expr> ExpressionParser::parse_primary() {
  LF_OK(count());
  Expr expr;
  expr.span = lexer_.next().span;
  switch (lexer_.next().kind) {
    case Token::Kind::word: {
      for (const std::string_view reserved : {"and", "or", "not", "like", "in", "as", "by"}) {
        if (lexer_.next().is_word(reserved)) return unexpected();
      }
      LF_TRY(name, lexer_.take());
      if (lexer_.next().is("(")) return parse_call(std::move(name));
      expr.kind = Expr::Kind::field;
      expr.text = std::move(name.text);
      return expr;
    }
    case Token::Kind::quoted_field: {
      LF_TRY(name, lexer_.take());
      expr.kind = Expr::Kind::field;
      expr.text = std::move(name.text);
      return expr;
    }
    case Token::Kind::string: {
      LF_TRY(text, lexer_.take());
      expr.text = std::move(text.text);
      return expr;
    }
    case Token::Kind::number: {
      LF_TRY(number, lexer_.take());
      expr.kind = Expr::Kind::number;
      expr.text = std::move(number.text);
      std::from_chars(expr.text.data(), expr.text.data() + expr.text.size(), expr.number);
      return expr;
    }
    case Token::Kind::period: {
      const auto period = parse_period(lexer_.next().text);
      if (!period) return unexpected();
      expr.kind = Expr::Kind::period;
      expr.period = *period;
      LF_TRY(text, lexer_.take());
      expr.text = std::move(text.text);
      return expr;
    }
    default:
      break;
  }
  if (!lexer_.next().is("(")) return unexpected();
  const Deeper deeper(depth_);
  LF_OK(lexer_.take());
  LF_TRY(inner, parse_any());
  if (!lexer_.next().is(")")) return unexpected();
  inner.span = {expr.span.begin, lexer_.next().span.end};
  LF_OK(lexer_.take());
  return std::move(inner);
}

Result<Expr> ExpressionParser::parse_call(Token name) {
  const Deeper deeper(depth_);
  Expr call;
  call.kind = Expr::Kind::call;
  call.text = std::move(name.text);
  call.span = name.span;
  LF_OK(lexer_.take());
  if (lexer_.next().is("*")) {
    Expr every;
    every.kind = Expr::Kind::every;
    every.span = lexer_.next().span;
    LF_OK(lexer_.take());
    call.args.push_back(std::move(every));
  } else if (!lexer_.next().is(")")) {
    while (true) {
      LF_TRY(arg, parse_any());
      call.args.push_back(std::move(arg));
      if (!lexer_.next().is(",")) break;
      LF_OK(lexer_.take());
    }
  }
  if (!lexer_.next().is(")")) return unexpected();
  call.span.end = lexer_.next().span.end;
  LF_OK(lexer_.take());
  return call;
}

}  // namespace landfall::logs::insights
