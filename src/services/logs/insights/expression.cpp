#include "services/logs/insights/expression.h"

#include <cmath>

#include "services/logs/insights/functions.h"
#include "services/logs/regex/contains.h"

namespace landfall::logs::insights {

namespace {

struct Literal final : Expression {
  OwnedValue value;
  Value evaluate(Row&) const override { return value.view(); }
};

struct Field final : Expression {
  std::size_t slot = 0;
  Value evaluate(Row& row) const override { return row.get(slot); }
};

struct Logic final : Expression {
  bool all = true;
  std::vector<ExpressionPtr> parts;
  Value evaluate(Row& row) const override {
    for (const ExpressionPtr& part : parts) {
      if (is_true(part->evaluate(row)) != all) return Value::of(!all);
    }
    return Value::of(all);
  }
};

struct Not final : Expression {
  ExpressionPtr inner;
  Value evaluate(Row& row) const override { return Value::of(!is_true(inner->evaluate(row))); }
};

enum class Sign { equal, unequal, less, less_or_equal, greater, greater_or_equal };

// A field that an event does not have differs from every value, and is in no order with any.
struct Compare final : Expression {
  Sign sign = Sign::equal;
  ExpressionPtr left, right;
  Value evaluate(Row& row) const override {
    const Value a = left->evaluate(row);
    const Value b = right->evaluate(row);
    const bool both = a.present() && b.present();
    if (sign == Sign::equal) return Value::of(both && same_value(a, b));
    if (sign == Sign::unequal) return Value::of(!both || !same_value(a, b));
    if (!both) return Value::of(false);
    const int order = compare_values(a, b);
    switch (sign) {
      case Sign::less:
        return Value::of(order < 0);
      case Sign::less_or_equal:
        return Value::of(order <= 0);
      case Sign::greater:
        return Value::of(order > 0);
      default:
        return Value::of(order >= 0);
    }
  }
};

struct Like final : Expression {
  ExpressionPtr from;
  std::shared_ptr<const Regex> regex;
  std::string part;
  Value evaluate(Row& row) const override {
    const Value value = from->evaluate(row);
    if (!value.present()) return Value::of(false);
    const std::string_view text = to_text(value, row.arena());
    return Value::of(regex ? regex->found_in(text) : contains(text, part));
  }
};

struct In final : Expression {
  ExpressionPtr value;
  std::vector<ExpressionPtr> items;
  Value evaluate(Row& row) const override {
    const Value wanted = value->evaluate(row);
    if (!wanted.present()) return Value::of(false);
    return Value::of(std::any_of(items.begin(), items.end(), [&](const ExpressionPtr& item) {
      const Value one = item->evaluate(row);
      return one.present() && same_value(wanted, one);
    }));
  }
};

double calculate(char sign, double a, double b) {
  switch (sign) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
    case '%':
      return std::fmod(a, b);
    default:
      return std::pow(a, b);
  }
}

// What is no number, and a division by zero, give nothing.
struct Math final : Expression {
  char sign = '+';
  ExpressionPtr left, right;
  Value evaluate(Row& row) const override {
    const auto a = to_number(left->evaluate(row));
    const auto b = to_number(right->evaluate(row));
    if (!a || !b) return {};
    const double result = calculate(sign, *a, *b);
    return std::isfinite(result) ? Value::of(result) : Value();
  }
};

struct Call final : Expression {
  const Function* function = nullptr;
  std::vector<ExpressionPtr> args;
  Value evaluate(Row& row) const override {
    constexpr std::size_t kFew = 8;
    std::array<Value, kFew> few;
    std::vector<Value> many;
    std::span<Value> values(few.data(), std::min(args.size(), kFew));
    if (args.size() > kFew) {
      many.resize(args.size());
      values = many;
    }
    for (std::size_t i = 0; i < args.size(); ++i) values[i] = args[i]->evaluate(row);
    const Value result = function->apply(values, row.arena());
    const bool number = result.kind == Value::Kind::number;
    return number && !std::isfinite(result.number) ? Value() : result;
  }
};

// bin, datefloor, dateceil.
struct Rounded final : Expression {
  ExpressionPtr time;
  Period period;
  bool up = false;
  Value evaluate(Row& row) const override {
    const auto ms = to_number(time->evaluate(row));
    if (!ms) return {};
    return Value::time(up ? ceil_time(*ms, period) : floor_time(*ms, period));
  }
};

bool is_named(std::string_view text, std::string_view lower_case) {
  return std::equal(text.begin(), text.end(), lower_case.begin(), lower_case.end(),
                    [](unsigned char a, char b) { return std::tolower(a) == b; });
}

class Compiler {
 public:
  Compiler(Names& names, std::string_view query) : names_(names), query_(query) {}

  Result<ExpressionPtr> compile(const Expr& expr) {
    switch (expr.kind) {
      case Expr::Kind::number:
        return literal({Value::Kind::number, expr.number, {}});
      case Expr::Kind::text:
        return literal(Value::of(std::string_view(expr.text)));
      case Expr::Kind::field: {
        auto field = std::make_unique<Field>();
        LF_TRY(slot, names_.field(expr.text, expr.span));
        field->slot = slot;
        return field;
      }
      case Expr::Kind::call:
        return compile_call(expr);
      case Expr::Kind::all:
      case Expr::Kind::any: {
        auto logic = std::make_unique<Logic>();
        logic->all = expr.kind == Expr::Kind::all;
        LF_OK(compile_all(expr.args, 0, logic->parts));
        return logic;
      }
      case Expr::Kind::negate: {
        auto negation = std::make_unique<Not>();
        LF_OK(compile_to(expr.args[0], negation->inner));
        return negation;
      }
      case Expr::Kind::compare:
        return compile_comparison(expr);
      case Expr::Kind::like: {
        auto like = std::make_unique<Like>();
        LF_OK(compile_to(expr.args[0], like->from));
        like->regex = expr.regex;
        like->part = expr.text;
        return like;
      }
      case Expr::Kind::in: {
        auto in = std::make_unique<In>();
        LF_OK(compile_to(expr.args[0], in->value));
        LF_OK(compile_all(expr.args, 1, in->items));
        return in;
      }
      case Expr::Kind::math:
        return compile_math(expr);
      case Expr::Kind::period:
        return malformed(query_, expr.span, fmt::format("{} is no value", expr.text));
      case Expr::Kind::every:
        break;
    }
    return malformed(query_, expr.span, "* is no value");
  }

 private:
  Result<void> compile_to(const Expr& expr, ExpressionPtr& out) {
    LF_TRY(compiled, compile(expr));
    out = std::move(compiled);
    return {};
  }

  Result<void> compile_all(const std::vector<Expr>& from, std::size_t first,
                           std::vector<ExpressionPtr>& out) {
    for (std::size_t i = first; i < from.size(); ++i)
      LF_OK(compile_to(from[i], out.emplace_back()));
    return {};
  }

  static Result<ExpressionPtr> literal(const Value& value) {
    auto literal = std::make_unique<Literal>();
    literal->value = OwnedValue(value);
    return literal;
  }

  Result<ExpressionPtr> compile_comparison(const Expr& expr) {
    static constexpr std::pair<std::string_view, Sign> kSigns[] = {
        {"=", Sign::equal},          {"!=", Sign::unequal}, {"<", Sign::less},
        {"<=", Sign::less_or_equal}, {">", Sign::greater},  {">=", Sign::greater_or_equal}};
    auto compare = std::make_unique<Compare>();
    for (const auto& [text, sign] : kSigns) {
      if (expr.text == text) compare->sign = sign;
    }
    LF_OK(compile_to(expr.args[0], compare->left));
    LF_OK(compile_to(expr.args[1], compare->right));
    return compare;
  }

  Result<ExpressionPtr> compile_math(const Expr& expr) {
    auto math = std::make_unique<Math>();
    math->sign = expr.text[0];
    if (expr.args.size() == 1) {
      LF_TRY(zero, literal(Value::of(0.0)));
      math->left = std::move(zero);
      LF_OK(compile_to(expr.args[0], math->right));
      return math;
    }
    LF_OK(compile_to(expr.args[0], math->left));
    LF_OK(compile_to(expr.args[1], math->right));
    return math;
  }

  Result<ExpressionPtr> compile_call(const Expr& expr) {
    LF_TRY(slot, names_.aggregate(expr));
    if (slot) {
      auto field = std::make_unique<Field>();
      field->slot = *slot;
      return field;
    }
    if (is_named(expr.text, "bin") || is_named(expr.text, "datefloor") ||
        is_named(expr.text, "dateceil")) {
      return compile_rounding(expr);
    }
    if (is_named(expr.text, "now")) {
      if (!expr.args.empty()) return malformed(query_, expr.span, "now takes no arguments");
      return literal(Value::of(static_cast<double>(names_.now_ms() / 1000)));
    }
    auto call = std::make_unique<Call>();
    call->function = find_function(expr.text);
    if (call->function == nullptr) {
      return malformed(query_, expr.span, fmt::format("unknown function {}", expr.text));
    }
    if (expr.args.size() < call->function->least || expr.args.size() > call->function->most) {
      return malformed(query_, expr.span,
                       fmt::format("{} takes {} to {} arguments, not {}", expr.text,
                                   call->function->least, call->function->most, expr.args.size()));
    }
    LF_OK(compile_all(expr.args, 0, call->args));
    return call;
  }

  Result<ExpressionPtr> compile_rounding(const Expr& expr) {
    auto rounded = std::make_unique<Rounded>();
    rounded->up = is_named(expr.text, "dateceil");
    const bool bin = is_named(expr.text, "bin");
    const std::size_t wanted = bin ? 1 : 2;
    if (expr.args.size() != wanted || expr.args.back().kind != Expr::Kind::period) {
      return malformed(
          query_, expr.span,
          bin ? "bin takes a period: bin(5m)"
              : fmt::format("{0} takes a time and a period: {0}(@timestamp, 1h)", expr.text));
    }
    rounded->period = expr.args.back().period;
    if (!bin) {
      LF_OK(compile_to(expr.args[0], rounded->time));
      return rounded;
    }
    auto timestamp = std::make_unique<Field>();
    LF_TRY(slot, names_.field("@timestamp", expr.span));
    timestamp->slot = slot;
    rounded->time = std::move(timestamp);
    return rounded;
  }

  Names& names_;
  std::string_view query_;
};

}  // namespace

Result<ExpressionPtr> compile(const Expr& expr, Names& names, std::string_view query) {
  return Compiler(names, query).compile(expr);
}

std::string required_of_message(const Expr& condition) {
  if (condition.kind == Expr::Kind::like && condition.args[0].kind == Expr::Kind::field &&
      condition.args[0].text == "@message") {
    return condition.regex ? condition.regex->required() : condition.text;
  }
  std::string longest;
  if (condition.kind == Expr::Kind::all) {
    for (const Expr& part : condition.args) {
      std::string required = required_of_message(part);
      if (required.size() > longest.size()) longest = std::move(required);
    }
  }
  return longest;
}

}  // namespace landfall::logs::insights
