// What a query says, before anything is known about fields and functions.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "services/logs/insights/periods.h"
#include "services/logs/regex/regex.h"

namespace landfall::logs::insights {

// Where something stands in the query, in bytes.
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};

struct Expr {
  enum class Kind {
    number,   // number, text
    text,     // text
    field,    // text
    period,   // period
    every,    // the * of count(*)
    call,     // text: the function's name; args
    all,      // args: and
    any,      // args: or
    negate,   // args[0]: not
    compare,  // text: = != < <= > >=; two args
    like,     // args[0], and regex or text
    in,       // args[0] in the others
    math,     // text: + - * / % ^; two args, or one for a sign
  };
  Kind kind = Kind::text;
  Span span;
  std::string text;
  double number = 0;
  Period period;
  std::shared_ptr<const Regex> regex;
  std::vector<Expr> args;
};

struct Named {
  Expr expr;
  std::string name;  // the alias, or the expression as it was written
  bool alias = false;
};

struct FieldsCommand {
  std::vector<Named> items;
};
struct DisplayCommand {
  std::vector<Named> items;
};
struct FilterCommand {
  Expr condition;
};
struct ParseCommand {
  Expr from;
  // Either the texts between the stars of a glob, or a regular expression.
  std::vector<std::string> glob;
  std::shared_ptr<const Regex> regex;
  std::vector<std::string> names;  // one for each star or group; empty: the group is not wanted
};
struct StatsCommand {
  std::vector<Named> items;
  std::vector<Named> by;
};
struct SortCommand {
  struct Key {
    Expr expr;
    bool descending = false;
  };
  std::vector<Key> keys;
};
struct LimitCommand {
  std::size_t count = 0;
};
struct DedupCommand {
  std::vector<Expr> fields;
};

struct Command {
  Span span;
  std::variant<FieldsCommand, DisplayCommand, FilterCommand, ParseCommand, StatsCommand,
               SortCommand, LimitCommand, DedupCommand>
      what;
};

// AWS's MalformedQueryException: the message, and the place in characters.
std::unexpected<Error> malformed(std::string_view query, Span where, std::string_view what);

inline constexpr std::size_t kMostRows = 10'000;

}  // namespace landfall::logs::insights
