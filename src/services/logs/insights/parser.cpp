#include "services/logs/insights/parser.h"

#include <fmt/format.h>

#include <charconv>

#include "services/logs/insights/lexer.h"
#include "services/logs/insights/parse_expression.h"

namespace landfall::logs::insights {

namespace {

constexpr std::size_t kMostCommands = 100;
constexpr std::size_t kMostStars = 100;

class Parser {
 public:
  explicit Parser(std::string_view query) : lexer_(query), expressions_(lexer_) {}

  Result<std::vector<Command>> parse() {
    LF_OK(lexer_.start());
    std::vector<Command> commands;
    while (true) {
      // Empty commands are no commands: "| fields x |".
      while (lexer_.next().is("|")) LF_OK(lexer_.take());
      if (lexer_.next().kind == Token::Kind::end) break;
      if (commands.size() == kMostCommands) {
        return malformed(lexer_.query(), lexer_.next().span,
                         fmt::format("a query has at most {} commands", kMostCommands));
      }
      LF_TRY(command, parse_command());
      commands.push_back(std::move(command));
      if (lexer_.next().kind != Token::Kind::end && !lexer_.next().is("|")) return unexpected();
    }
    if (commands.empty()) {
      return malformed(lexer_.query(), {0, lexer_.query().size()}, "the query has no command");
    }
    return commands;
  }

 private:
  std::unexpected<Error> unexpected() { return expressions_.unexpected(); }

  Result<Command> parse_command() {
    using Parse = Result<void> (Parser::*)(Command&);
    struct Known {
      std::string_view name;
      Parse parse;
    };
    static constexpr Known kCommands[] = {
        {"fields", &Parser::parse_fields}, {"display", &Parser::parse_display},
        {"filter", &Parser::parse_filter}, {"parse", &Parser::parse_parse},
        {"stats", &Parser::parse_stats},   {"sort", &Parser::parse_sort},
        {"limit", &Parser::parse_limit},   {"dedup", &Parser::parse_dedup}};
    static constexpr std::string_view kMissing[] = {
        "pattern", "diff", "unmask", "unnest", "filterindex", "anomaly", "source",
        "lookup",  "join", "search", "order",  "head",        "tail"};
    LF_TRY(word, lexer_.take());
    Command command;
    command.span = word.span;
    for (const Known& known : kCommands) {
      if (!word.is_word(known.name)) continue;
      LF_OK((this->*known.parse)(command));
      return command;
    }
    for (const std::string_view missing : kMissing) {
      if (word.is_word(missing)) {
        return malformed(lexer_.query(), word.span,
                         fmt::format("the command {} is not supported here", missing));
      }
    }
    return malformed(lexer_.query(), word.span,
                     fmt::format("mismatched input '{}' expecting fields, display, filter, parse, "
                                 "stats, sort, limit or dedup",
                                 word.kind == Token::Kind::end ? "<EOF>" : word.text));
  }

  Result<std::string> parse_alias() {
    const Token::Kind kind = lexer_.next().kind;
    if (kind != Token::Kind::word && kind != Token::Kind::quoted_field) return unexpected();
    LF_TRY(name, lexer_.take());
    if (name.text.empty()) return malformed(lexer_.query(), name.span, "a name is empty");
    return std::move(name.text);
  }

  Result<std::vector<Named>> parse_named() {
    std::vector<Named> items;
    while (true) {
      Named item;
      LF_TRY(expr, expressions_.parse());
      item.expr = std::move(expr);
      if (lexer_.next().is_word("as")) {
        LF_OK(lexer_.take());
        LF_TRY(alias, parse_alias());
        item.name = std::move(alias);
        item.alias = true;
      } else if (item.expr.kind == Expr::Kind::field) {
        item.name = item.expr.text;
      } else {
        item.name =
            lexer_.query().substr(item.expr.span.begin, item.expr.span.end - item.expr.span.begin);
      }
      items.push_back(std::move(item));
      if (!lexer_.next().is(",")) return items;
      LF_OK(lexer_.take());
    }
  }

  Result<void> parse_fields(Command& command) {
    LF_TRY(items, parse_named());
    command.what = FieldsCommand{std::move(items)};
    return {};
  }

  Result<void> parse_display(Command& command) {
    LF_TRY(items, parse_named());
    command.what = DisplayCommand{std::move(items)};
    return {};
  }

  Result<void> parse_filter(Command& command) {
    LF_TRY(condition, expressions_.parse());
    command.what = FilterCommand{std::move(condition)};
    return {};
  }

  Result<void> parse_stats(Command& command) {
    StatsCommand stats;
    LF_TRY(items, parse_named());
    stats.items = std::move(items);
    if (lexer_.next().is_word("by")) {
      LF_OK(lexer_.take());
      LF_TRY(by, parse_named());
      stats.by = std::move(by);
    }
    command.what = std::move(stats);
    return {};
  }

  Result<void> parse_sort(Command& command) {
    SortCommand sort;
    if (lexer_.next().is_word("by")) LF_OK(lexer_.take());
    while (true) {
      LF_TRY(expr, expressions_.parse());
      SortCommand::Key key{std::move(expr), false};
      if (lexer_.next().is_word("desc") || lexer_.next().is_word("asc")) {
        key.descending = lexer_.next().is_word("desc");
        LF_OK(lexer_.take());
      }
      sort.keys.push_back(std::move(key));
      if (!lexer_.next().is(",")) break;
      LF_OK(lexer_.take());
    }
    command.what = std::move(sort);
    return {};
  }

  Result<void> parse_limit(Command& command) {
    if (lexer_.next().kind != Token::Kind::number) return unexpected();
    LF_TRY(number, lexer_.take());
    LimitCommand limit;
    const char* end = number.text.data() + number.text.size();
    const auto [last, error] = std::from_chars(number.text.data(), end, limit.count);
    if (error != std::errc() || last != end || limit.count == 0 || limit.count > kMostRows) {
      return malformed(lexer_.query(), number.span,
                       fmt::format("limit must be a whole number from 1 to {}", kMostRows));
    }
    command.what = limit;
    return {};
  }

  Result<void> parse_dedup(Command& command) {
    DedupCommand dedup;
    while (true) {
      LF_TRY(field, expressions_.parse());
      if (field.kind != Expr::Kind::field) {
        return malformed(lexer_.query(), field.span, "dedup takes the names of fields");
      }
      dedup.fields.push_back(std::move(field));
      if (!lexer_.next().is(",")) break;
      LF_OK(lexer_.take());
    }
    command.what = std::move(dedup);
    return {};
  }

  // parse [field] "glob*" as a, b     parse [field] /(?<a>...)/ [as a, b]
  Result<void> parse_parse(Command& command) {
    ParseCommand parse;
    parse.from.kind = Expr::Kind::field;
    parse.from.text = "@message";
    parse.from.span = command.span;
    if (!lexer_.next().is("/") && lexer_.next().kind != Token::Kind::string) {
      LF_TRY(from, expressions_.parse_operand());
      parse.from = std::move(from);
    }
    Span pattern = lexer_.next().span;
    if (lexer_.next().is("/")) {
      LF_TRY(regex, expressions_.parse_regex());
      parse.regex = std::move(regex);
      parse.names = parse.regex->group_names();
    } else if (lexer_.next().kind == Token::Kind::string) {
      LF_TRY(glob, lexer_.take());
      LF_OK(split_glob(glob, parse.glob));
    } else {
      return unexpected();
    }
    pattern.end = lexer_.taken_to();
    if (lexer_.next().is_word("as")) {
      LF_OK(lexer_.take());
      LF_OK(parse_names(parse, pattern));
    } else if (!parse.regex) {
      return malformed(lexer_.query(), pattern, "parse with a glob needs names: as a, b");
    }
    if (std::all_of(parse.names.begin(), parse.names.end(),
                    [](const std::string& name) { return name.empty(); })) {
      return malformed(lexer_.query(), pattern, "parse has no named groups, and no names: as a, b");
    }
    command.what = std::move(parse);
    return {};
  }

  Result<void> parse_names(ParseCommand& parse, Span pattern) {
    std::vector<std::string> names;
    while (true) {
      LF_TRY(name, parse_alias());
      names.push_back(std::move(name));
      if (!lexer_.next().is(",")) break;
      LF_OK(lexer_.take());
    }
    const std::size_t wanted = parse.regex ? parse.names.size() : parse.glob.size() - 1;
    if (names.size() != wanted) {
      return malformed(lexer_.query(), pattern,
                       fmt::format("the pattern has {} {}, but {} names follow", wanted,
                                   parse.regex ? "groups" : "stars", names.size()));
    }
    parse.names = std::move(names);
    return {};
  }

  // "a*b*" -> "a", "b", "". A star that stands for itself is written \*.
  Result<void> split_glob(const Token& token, std::vector<std::string>& parts) {
    parts.emplace_back();
    for (std::size_t i = 0; i < token.text.size(); ++i) {
      if (token.text[i] == '\\' && token.text.substr(i + 1).starts_with('*')) {
        parts.back().push_back(token.text[++i]);
      } else if (token.text[i] == '*') {
        parts.emplace_back();
      } else {
        parts.back().push_back(token.text[i]);
      }
    }
    if (parts.size() < 2 || parts.size() > kMostStars) {
      return malformed(lexer_.query(), token.span,
                       fmt::format("the pattern of parse has 1 to {} stars", kMostStars - 1));
    }
    return {};
  }

  Lexer lexer_;
  ExpressionParser expressions_;
};

}  // namespace

Result<std::vector<Command>> parse_query(std::string_view query) { return Parser(query).parse(); }

}  // namespace landfall::logs::insights
