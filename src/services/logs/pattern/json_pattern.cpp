#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <variant>
#include <vector>

#include "services/logs/pattern/lexer.h"
#include "services/logs/pattern/pattern.h"

namespace landfall::logs {

namespace {

namespace json = boost::json;

struct Step {
  std::string name;
  std::int64_t index = -1;  // of an array, when there is no name
  bool every = false;       // [*]
};
using Path = std::vector<Step>;

// The values a path leads to: several with [*], none when it leads nowhere.
void find_values(const json::value& from, const Path& path, std::size_t step,
                 std::vector<const json::value*>& out) {
  if (step == path.size()) {
    out.push_back(&from);
    return;
  }
  const Step& next = path[step];
  if (next.every || next.index >= 0) {
    if (!from.is_array()) return;
    const auto& items = from.get_array();
    if (next.every) {
      for (const json::value& item : items) find_values(item, path, step + 1, out);
    } else if (static_cast<std::size_t>(next.index) < items.size()) {
      find_values(items[static_cast<std::size_t>(next.index)], path, step + 1, out);
    }
    return;
  }
  if (!from.is_object()) return;
  if (const json::value* item = from.get_object().if_contains(next.name)) {
    find_values(*item, path, step + 1, out);
  }
}

std::string text_of(const json::value& value) {
  if (value.is_string()) return {value.get_string().data(), value.get_string().size()};
  if (value.is_double()) return fmt::format("{}", value.get_double());
  return json::serialize(value);
}

struct Test {
  std::string selector;
  Path path;
  enum class Kind { compare, is_null, is_true, is_false, exists_not } kind = Kind::compare;
  std::string comparison;
  Operand operand;

  bool holds(const json::value& event, Extracted* extracted) const {
    std::vector<const json::value*> values;
    find_values(event, path, 0, values);
    if (extracted != nullptr && !values.empty()) (*extracted)[selector] = text_of(*values.front());
    if (kind == Kind::exists_not) return values.empty();
    return std::any_of(values.begin(), values.end(),
                       [&](const json::value* value) { return holds_for(*value); });
  }

  bool holds_for(const json::value& value) const {
    switch (kind) {
      case Kind::is_null:
        return value.is_null();
      case Kind::is_true:
        return value.is_bool() && value.get_bool();
      case Kind::is_false:
        return value.is_bool() && !value.get_bool();
      default:
        break;
    }
    if (value.is_string()) {
      // Text that looks like a number is still text.
      if (operand.numeric && !operand.quoted) {
        return comparison == "!=" || (comparison == "=" && text_of(value) == operand.text);
      }
      return compare(comparison, text_of(value), operand);
    }
    if (value.is_number()) {
      return operand.quoted ? comparison == "!=" : compare(comparison, text_of(value), operand);
    }
    return false;
  }
};

struct Node {
  enum class Kind { test, all, any } kind = Kind::test;
  Test test;
  std::vector<Node> children;

  bool holds(const json::value& event, Extracted* extracted) const {
    if (kind == Kind::test) return test.holds(event, extracted);
    // Without a short cut where values are wanted.
    bool all = true;
    bool any = false;
    for (const Node& child : children) {
      const bool one = child.holds(event, extracted);
      all = all && one;
      any = any || one;
      if (extracted == nullptr && (kind == Kind::all ? !all : any)) break;
    }
    return kind == Kind::all ? all : any;
  }
};

// Nothing for a message that is no JSON object.
std::optional<json::value> parse_event(std::string_view message) {
  const auto start = message.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos || message[start] != '{') return {};
  boost::system::error_code error;
  json::value event = json::parse({message.data(), message.size()}, error);
  if (error) return {};
  return event;
}

struct JsonSelector final : Selector {
  Path path;
  std::optional<std::string> find(std::string_view message) const override {
    const auto event = parse_event(message);
    if (!event) return {};
    std::vector<const json::value*> values;
    find_values(*event, path, 0, values);
    if (values.empty() || values.front()->is_null()) return {};
    return text_of(*values.front());
  }
};

struct JsonPattern final : Pattern {
  Node root;
  bool match(std::string_view message, Extracted* extracted) const override {
    const auto event = parse_event(message);
    return event && root.holds(*event, extracted);
  }
};

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}

  Result<Path> parse_selector() {
    Test test;
    LF_OK(parse_path(test));
    if (!lexer_.at_end()) return invalid_pattern("something follows the selector");
    return std::move(test.path);
  }

  Result<Node> parse() {
    if (!lexer_.take("{")) return invalid_pattern("'{' is missing");
    LF_TRY(root, parse_any(0));
    if (!lexer_.take("}")) return invalid_pattern("'}' is missing");
    if (!lexer_.at_end()) return invalid_pattern("something follows the last '}'");
    return std::move(root);
  }

 private:
  Result<Node> parse_any(int depth) { return parse_list("||", Node::Kind::any, depth); }

  // A list of lists: "&&" binds more tightly.
  Result<Node> parse_list(std::string_view separator, Node::Kind kind, int depth) {
    if (depth > kMostPatternDepth) return invalid_pattern("too many parentheses");
    Node list;
    list.kind = kind;
    do {
      auto child =
          kind == Node::Kind::any ? parse_list("&&", Node::Kind::all, depth) : parse_one(depth);
      if (!child) return child;
      list.children.push_back(std::move(*child));
    } while (lexer_.take(separator));
    if (list.children.size() == 1) return std::move(list.children.front());
    return list;
  }

  Result<Node> parse_one(int depth) {
    if (lexer_.take("(")) {
      LF_TRY(inner, parse_any(depth + 1));
      if (!lexer_.take(")")) return invalid_pattern("')' is missing");
      return std::move(inner);
    }
    Node node;
    LF_OK(parse_path(node.test));
    if (lexer_.take_word("IS")) {
      if (lexer_.take_word("NULL")) {
        node.test.kind = Test::Kind::is_null;
      } else if (lexer_.take_word("TRUE")) {
        node.test.kind = Test::Kind::is_true;
      } else if (lexer_.take_word("FALSE")) {
        node.test.kind = Test::Kind::is_false;
      } else {
        return invalid_pattern("after IS comes NULL, TRUE or FALSE");
      }
      return node;
    }
    if (lexer_.take_word("NOT")) {
      if (!lexer_.take_word("EXISTS")) return invalid_pattern("after NOT comes EXISTS");
      node.test.kind = Test::Kind::exists_not;
      return node;
    }
    node.test.comparison = lexer_.comparison();
    if (node.test.comparison.empty()) return invalid_pattern("a comparison is missing");
    LF_TRY(operand, take_operand(lexer_, ")}&|"));
    node.test.operand = std::move(operand);
    if (!node.test.operand.numeric && node.test.comparison != "=" && node.test.comparison != "!=") {
      return invalid_pattern("text can be compared with = and != only");
    }
    return node;
  }

  Result<void> parse_path(Test& test) {
    if (!lexer_.take("$")) return invalid_pattern("a selector begins with '$.'");
    test.selector = "$" + lexer_.bare("=!<>)}&|");
    std::string_view rest = std::string_view(test.selector).substr(1);
    while (!rest.empty()) {
      Step step;
      if (rest.starts_with(".[")) rest.remove_prefix(1);
      if (rest.starts_with('[')) {
        const auto end = rest.find(']');
        if (end == std::string_view::npos) return invalid_pattern("']' is missing");
        const std::string_view inside = rest.substr(1, end - 1);
        rest.remove_prefix(end + 1);
        if (inside == "*") {
          step.every = true;
        } else if (inside.size() >= 2 && (inside.front() == '\'' || inside.front() == '"') &&
                   inside.back() == inside.front()) {
          step.name = inside.substr(1, inside.size() - 2);
        } else {
          const auto [last, error] =
              std::from_chars(inside.data(), inside.data() + inside.size(), step.index);
          if (error != std::errc() || last != inside.data() + inside.size() || step.index < 0) {
            return invalid_pattern(fmt::format("[{}] is neither a number nor *", inside));
          }
        }
      } else if (rest.starts_with('.')) {
        rest.remove_prefix(1);
        const auto end = std::min(rest.find_first_of(".["), rest.size());
        step.name = rest.substr(0, end);
        if (step.name.empty()) return invalid_pattern("a name is missing in a selector");
        rest.remove_prefix(end);
      } else {
        return invalid_pattern("a selector begins with '$.'");
      }
      test.path.push_back(std::move(step));
    }
    if (test.path.empty()) return invalid_pattern("a selector begins with '$.'");
    return {};
  }

  Lexer lexer_;
};

}  // namespace

Result<std::shared_ptr<const Selector>> Selector::parse(std::string_view text) {
  auto selector = std::make_shared<JsonSelector>();
  LF_TRY(path, Parser(text).parse_selector());
  selector->path = std::move(path);
  return selector;
}

Result<std::shared_ptr<const Pattern>> parse_json_pattern(std::string_view text) {
  auto pattern = std::make_shared<JsonPattern>();
  LF_TRY(root, Parser(text).parse());
  pattern->root = std::move(root);
  return pattern;
}

}  // namespace landfall::logs
