#include <vector>

#include "services/logs/pattern/lexer.h"
#include "services/logs/pattern/pattern.h"

namespace landfall::logs {

namespace {

struct Condition {
  std::string comparison;
  Operand operand;
};
// In disjunctive form: one of the lists must hold whole.
using Conditions = std::vector<std::vector<Condition>>;

struct Column {
  std::string name;
  bool rest = false;  // "...": any number of columns
  Conditions conditions;

  bool holds(std::string_view value) const {
    if (conditions.empty()) return true;
    return std::any_of(conditions.begin(), conditions.end(), [&](const auto& all) {
      return std::all_of(all.begin(), all.end(), [&](const Condition& one) {
        return compare(one.comparison, value, one.operand);
      });
    });
  }
};

// Columns end at spaces; what stands in quotation marks or brackets is one.
std::vector<std::string_view> split_columns(std::string_view line) {
  std::vector<std::string_view> columns;
  std::size_t at = 0;
  while (true) {
    while (at < line.size() && std::isspace(static_cast<unsigned char>(line[at]))) ++at;
    if (at == line.size()) return columns;
    const char open = line[at];
    const char close = open == '"' ? '"' : open == '[' ? ']' : '\0';
    if (close != '\0') {
      if (const auto end = line.find(close, at + 1); end != std::string_view::npos) {
        columns.push_back(line.substr(at + 1, end - at - 1));
        at = end + 1;
        continue;
      }
    }
    std::size_t end = at;
    while (end < line.size() && !std::isspace(static_cast<unsigned char>(line[end]))) ++end;
    columns.push_back(line.substr(at, end - at));
    at = end;
  }
}

struct ColumnsPattern final : Pattern {
  std::vector<Column> columns;

  bool match(std::string_view message, Extracted* extracted) const override {
    const auto values = split_columns(message);
    const auto rest =
        std::find_if(columns.begin(), columns.end(), [](const Column& c) { return c.rest; });
    const auto before = static_cast<std::size_t>(rest - columns.begin());
    const bool open = rest != columns.end();
    const std::size_t fixed = columns.size() - (open ? 1 : 0);
    if (open ? values.size() < fixed : values.size() != fixed) return false;
    for (std::size_t i = 0; i < fixed; ++i) {
      const bool from_end = open && i >= before;
      const Column& column = columns[from_end ? i + 1 : i];
      const std::string_view value = values[from_end ? values.size() - fixed + i : i];
      if (extracted != nullptr && !column.name.empty()) {
        (*extracted)["$" + column.name] = value;
      }
      if (!column.holds(value)) return false;
    }
    return true;
  }
};

// name OP operand {&& or || name OP operand}; the name is the column's own.
Result<void> parse_conditions(Lexer& lexer, Column& column) {
  std::string comparison = lexer.comparison();
  if (comparison.empty()) return {};
  column.conditions.emplace_back();
  while (true) {
    LF_TRY(operand, take_operand(lexer, ",]&|"));
    if (!operand.numeric && comparison != "=" && comparison != "!=") {
      return invalid_pattern("text can be compared with = and != only");
    }
    column.conditions.back().push_back({comparison, std::move(operand)});
    if (lexer.take("||")) {
      column.conditions.emplace_back();
    } else if (!lexer.take("&&")) {
      return {};
    }
    lexer.skip_space();
    if (lexer.bare(",]=!<>&|") != column.name) {
      return invalid_pattern("a condition names another column than its own");
    }
    comparison = lexer.comparison();
    if (comparison.empty()) return invalid_pattern("a comparison is missing");
  }
}

}  // namespace

Result<std::shared_ptr<const Pattern>> parse_columns(std::string_view text) {
  auto pattern = std::make_shared<ColumnsPattern>();
  Lexer lexer(text);
  if (!lexer.take("[")) return invalid_pattern("'[' is missing");
  do {
    Column column;
    if (lexer.take("...")) {
      column.rest = true;
      if (std::any_of(pattern->columns.begin(), pattern->columns.end(),
                      [](const Column& c) { return c.rest; })) {
        return invalid_pattern("'...' may stand once");
      }
    } else {
      lexer.skip_space();
      column.name = lexer.bare(",]=!<>&|");
      LF_OK(parse_conditions(lexer, column));
    }
    pattern->columns.push_back(std::move(column));
  } while (lexer.take(","));
  if (!lexer.take("]")) return invalid_pattern("']' is missing");
  if (!lexer.at_end()) return invalid_pattern("something follows the last ']'");
  return pattern;
}

}  // namespace landfall::logs
