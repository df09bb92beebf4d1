#include "services/cloudwatch/math/evaluate.h"

#include <fmt/format.h>

#include <cmath>

#include "services/cloudwatch/math/functions.h"

namespace landfall::cloudwatch::math {
namespace {

Operation operation_of(const std::string& name) {
  static const std::vector<std::pair<std::string, Operation>> kOperations{
      {"+", [](double a, double b) { return a + b; }},
      {"-", [](double a, double b) { return a - b; }},
      {"*", [](double a, double b) { return a * b; }},
      {"/", [](double a, double b) { return a / b; }},
      {"%", [](double a, double b) { return std::fmod(a, b); }},
      {"^", [](double a, double b) { return std::pow(a, b); }},
      {"==", [](double a, double b) { return a == b ? 1.0 : 0.0; }},
      {"!=", [](double a, double b) { return a != b ? 1.0 : 0.0; }},
      {"<", [](double a, double b) { return a < b ? 1.0 : 0.0; }},
      {">", [](double a, double b) { return a > b ? 1.0 : 0.0; }},
      {"<=", [](double a, double b) { return a <= b ? 1.0 : 0.0; }},
      {">=", [](double a, double b) { return a >= b ? 1.0 : 0.0; }},
      {"AND", [](double a, double b) { return a != 0 && b != 0 ? 1.0 : 0.0; }},
      {"OR", [](double a, double b) { return a != 0 || b != 0 ? 1.0 : 0.0; }},
  };
  for (const auto& [known, operation] : kOperations) {
    if (known == name) return operation;
  }
  return nullptr;
}

// Words that stand for themselves: FILL(m1, REPEAT), SORT(METRICS(), MAX, DESC, 5).
bool keyword(const std::string& name) {
  for (const char* known : {"REPEAT", "LINEAR", "ASC", "DESC", "AVG", "MIN", "MAX", "SUM"}) {
    if (name == known) return true;
  }
  return false;
}

Result<Value> list(const std::vector<Value>& items) {
  Array out;
  for (const Value& item : items) {
    if (const auto* series = std::get_if<TimeSeries>(&item)) {
      out.push_back(*series);
    } else if (const auto* array = std::get_if<Array>(&item)) {
      out.insert(out.end(), array->begin(), array->end());
    } else {
      return fail("math", "an array holds time series only");
    }
  }
  return out;
}

}  // namespace

Result<Value> evaluate(const Expression& expression, const Surroundings& around) {
  using Kind = Expression::Kind;
  switch (expression.kind) {
    case Kind::number:
      return expression.number;
    case Kind::text:
      return expression.text;
    case Kind::name:
      if (keyword(expression.text)) return expression.text;
      return around.find(expression.text);
    default:
      break;
  }
  if (expression.kind == Kind::call && expression.text == "METRICS") {
    if (expression.parts.size() > 1 ||
        (expression.parts.size() == 1 && expression.parts[0].kind != Kind::text)) {
      return fail("math", "METRICS takes a string or nothing");
    }
    return around.metrics(expression.parts.empty() ? "" : expression.parts[0].text);
  }
  if (expression.kind == Kind::call && expression.text == "PERIOD") {
    if (expression.parts.size() != 1 || expression.parts[0].kind != Kind::name)
      return fail("math", "PERIOD takes the id of a metric");
    LF_OK(around.find(expression.parts[0].text));
    return double(around.period(expression.parts[0].text));
  }
  if (expression.kind == Kind::call && expression.text == "SEARCH") {
    LF_TRY(search, search_of(expression));
    return around.search(search.text, search.statistic, search.period_s);
  }
  std::vector<Value> parts;
  for (const Expression& part : expression.parts) {
    LF_TRY(value, evaluate(part, around));
    parts.push_back(std::move(value));
  }
  switch (expression.kind) {
    case Kind::list:
      return list(parts);
    case Kind::unary:
      return combine([](double a, double b) { return a * b; }, -1.0, parts[0]);
    case Kind::binary:
      return combine(operation_of(expression.text), parts[0], parts[1]);
    default:
      return call(expression.text, parts, around.frame);
  }
}

}  // namespace landfall::cloudwatch::math
