#include "services/cloudwatch/math/expression.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace landfall::cloudwatch::math {
namespace {

constexpr int kMostNested = 64;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Expression> whole() {
    LF_TRY(out, binary(0));
    skip();
    if (at_ != text_.size()) return wrong();
    return std::move(out);
  }

 private:
  // From the weakest to the strongest.
  static constexpr std::array<std::array<std::string_view, 6>, 5> kLevels{{
      {"OR", "||"},
      {"AND", "&&"},
      {"==", "!=", "<=", ">=", "<", ">"},
      {"+", "-"},
      {"*", "/", "%"},
  }};

  std::unexpected<Error> wrong() const {
    return fail("math", at_ >= text_.size()
                            ? "the expression ends too early"
                            : fmt::format("unexpected '{}'", text_.substr(at_, 16)));
  }
  void skip() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  static bool wordy(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }
  bool take(std::string_view token) {
    skip();
    if (!text_.substr(at_).starts_with(token)) return false;
    const bool word = wordy(token[0]);
    if (word && at_ + token.size() < text_.size() && wordy(text_[at_ + token.size()])) return false;
    at_ += token.size();
    return true;
  }

  Result<Expression> binary(std::size_t level) {
    if (level == kLevels.size()) return unary();
    LF_TRY(left, binary(level + 1));
    while (true) {
      std::string_view taken;
      for (const std::string_view token : kLevels[level]) {
        if (!token.empty() && take(token)) {
          taken = token;
          break;
        }
      }
      if (taken.empty()) return std::move(left);
      LF_TRY(right, binary(level + 1));
      Expression both{.kind = Expression::Kind::binary, .text = std::string(taken)};
      if (taken == "||") both.text = "OR";
      if (taken == "&&") both.text = "AND";
      both.parts.push_back(std::move(left));
      both.parts.push_back(std::move(right));
      left = std::move(both);
    }
  }

  Result<Expression> unary() {
    if (++depth_ > kMostNested) return fail("math", "the expression is nested too deeply");
    struct Leave {
      int& depth;
      ~Leave() { --depth; }
    } leave{depth_};
    if (take("-")) {
      LF_TRY(inner, unary());
      Expression out{.kind = Expression::Kind::unary, .text = "-"};
      out.parts.push_back(std::move(inner));
      return out;
    }
    LF_TRY(base, primary());
    if (!take("^")) return std::move(base);
    LF_TRY(power, unary());
    Expression out{.kind = Expression::Kind::binary, .text = "^"};
    out.parts.push_back(std::move(base));
    out.parts.push_back(std::move(power));
    return out;
  }

  Result<Expression> primary() {
    skip();
    if (at_ >= text_.size()) return wrong();
    const char c = text_[at_];
    if (take("(")) {
      LF_TRY(inner, binary(0));
      if (!take(")")) return wrong();
      return std::move(inner);
    }
    if (take("[")) return items(Expression{.kind = Expression::Kind::list}, "]");
    if (c == '"' || c == '\'') return text(c);
    if (std::isdigit(static_cast<unsigned char>(c)) || c == '.') return number();
    if (!std::isalpha(static_cast<unsigned char>(c))) return wrong();
    const std::size_t start = at_;
    while (at_ < text_.size() && wordy(text_[at_])) ++at_;
    std::string word(text_.substr(start, at_ - start));
    if (!take("(")) return Expression{.kind = Expression::Kind::name, .text = std::move(word)};
    for (char& letter : word) letter = char(std::toupper(static_cast<unsigned char>(letter)));
    return items(Expression{.kind = Expression::Kind::call, .text = std::move(word)}, ")");
  }

  Result<Expression> items(Expression out, std::string_view end) {
    if (take(end)) return out;
    do {
      LF_TRY(item, binary(0));
      out.parts.push_back(std::move(item));
    } while (take(","));
    if (!take(end)) return wrong();
    return out;
  }

  Result<Expression> text(char quote) {
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == text_.npos) return fail("math", "a string has no end");
    Expression out{.kind = Expression::Kind::text,
                   .text = std::string(text_.substr(at_ + 1, end - at_ - 1))};
    at_ = end + 1;
    return out;
  }

  Result<Expression> number() {
    Expression out;
    const auto [end, error] =
        std::from_chars(text_.data() + at_, text_.data() + text_.size(), out.number);
    if (error != std::errc()) return wrong();
    at_ = std::size_t(end - text_.data());
    return out;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

void collect(const Expression& expression, std::vector<std::string>& out) {
  if (expression.kind == Expression::Kind::name &&
      std::islower(static_cast<unsigned char>(expression.text[0])) &&
      std::ranges::find(out, expression.text) == out.end()) {
    out.push_back(expression.text);
  }
  for (const Expression& part : expression.parts) collect(part, out);
}

}  // namespace

Result<Expression> parse(std::string_view text) { return Parser(text).whole(); }

Result<SearchCall> search_of(const Expression& call) {
  using Kind = Expression::Kind;
  const auto& parts = call.parts;
  const bool good = (parts.size() == 2 || parts.size() == 3) && parts[0].kind == Kind::text &&
                    parts[1].kind == Kind::text &&
                    (parts.size() == 2 || (parts[2].kind == Kind::number && parts[2].number >= 1 &&
                                           parts[2].number <= 86'400));
  if (!good) {
    return fail("math",
                "SEARCH takes a search, a statistic and a period: SEARCH('...', 'Sum', 60)");
  }
  return SearchCall{parts[0].text, parts[1].text,
                    parts.size() == 3 ? static_cast<std::int64_t>(parts[2].number) : 0};
}

std::vector<const Expression*> calls_of(const Expression& expression, std::string_view function) {
  std::vector<const Expression*> out;
  if (expression.kind == Expression::Kind::call && expression.text == function) {
    out.push_back(&expression);
  }
  for (const Expression& part : expression.parts) {
    for (const Expression* call : calls_of(part, function)) out.push_back(call);
  }
  return out;
}

std::vector<std::string> names_in(const Expression& expression) {
  std::vector<std::string> out;
  collect(expression, out);
  return out;
}

}  // namespace landfall::cloudwatch::math
