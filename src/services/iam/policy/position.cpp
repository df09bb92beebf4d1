#include "services/iam/policy/position.h"

namespace landfall::iam::policy {
namespace {

TextPosition position_of(std::string_view text, std::size_t offset) {
  TextPosition out;
  for (const char c : text.substr(0, offset)) {
    ++out.column;
    if (c == '\n') out = {out.line + 1, 1};
  }
  return out;
}

// Behind the string that begins at `at`.
std::size_t skip_string(std::string_view text, std::size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return std::min(at + 1, text.size());
}

}  // namespace

// Statements are the objects at depth 2 (a single one) or 3 (in a list) below the member
// "Statement" of the outermost object.
std::optional<TextSpan> find_statement(std::string_view text, std::size_t index) {
  int depth = 0;
  bool inside = false;  // the value of "Statement"
  std::size_t begin = 0;
  std::size_t seen = 0;
  int statement_depth = 0;  // of the statement under way
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"') {
      const std::size_t end = skip_string(text, at);
      if (depth == 1) {
        const std::size_t next = text.find_first_not_of(" \t\r\n", end);
        if (next != std::string_view::npos && text[next] == ':') {
          inside = text.substr(at, end - at) == "\"Statement\"";
        }
      }
      at = end;
      continue;
    }
    if (c == '{' || c == '[') {
      ++depth;
      if (inside && c == '{' && statement_depth == 0) {
        statement_depth = depth;
        begin = at;
      }
    } else if (c == '}' || c == ']') {
      if (inside && depth == statement_depth && c == '}') {
        if (seen == index) return TextSpan{position_of(text, begin), position_of(text, at + 1)};
        ++seen;
        statement_depth = 0;
      }
      --depth;
    }
    ++at;
  }
  return {};
}

}  // namespace landfall::iam::policy
