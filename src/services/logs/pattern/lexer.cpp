#include "services/logs/pattern/lexer.h"

#include <fmt/format.h>

#include <charconv>

#include "services/logs/pattern/pattern.h"

namespace landfall::logs {

std::unexpected<Error> invalid_pattern(std::string_view what) {
  return fail("invalid-pattern", fmt::format("Invalid filter pattern: {}", what));
}

void Lexer::skip_space() {
  while (!rest_.empty() && std::isspace(static_cast<unsigned char>(rest_.front()))) {
    rest_.remove_prefix(1);
  }
}

bool Lexer::at_end() {
  skip_space();
  return rest_.empty();
}

bool Lexer::take(std::string_view token) {
  skip_space();
  if (!rest_.starts_with(token)) return false;
  rest_.remove_prefix(token.size());
  return true;
}

bool Lexer::take_word(std::string_view word) {
  skip_space();
  if (rest_.size() < word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i) {
    if (std::toupper(static_cast<unsigned char>(rest_[i])) != word[i]) return false;
  }
  if (rest_.size() > word.size() &&
      std::isalnum(static_cast<unsigned char>(rest_[word.size()])) != 0) {
    return false;
  }
  rest_.remove_prefix(word.size());
  return true;
}

char Lexer::peek() {
  skip_space();
  return rest_.empty() ? '\0' : rest_.front();
}

Result<std::string> Lexer::quoted() {
  std::string text;
  for (std::size_t i = 1; i < rest_.size(); ++i) {
    if (rest_[i] == '"') {
      rest_.remove_prefix(i + 1);
      return text;
    }
    if (rest_[i] == '\\' && i + 1 < rest_.size() && (rest_[i + 1] == '"' || rest_[i + 1] == '\\')) {
      ++i;
    }
    text.push_back(rest_[i]);
  }
  return invalid_pattern("a quotation mark is not closed");
}

Result<std::shared_ptr<const Regex>> Lexer::regex() {
  const auto end = rest_.find('%', 1);
  if (end == std::string_view::npos) return invalid_pattern("a % is not closed");
  auto regex = Regex::compile(rest_.substr(1, end - 1));
  if (!regex) return invalid_pattern(regex.error().message);
  rest_.remove_prefix(end + 1);
  return std::move(*regex);
}

std::string Lexer::bare(std::string_view stops) {
  std::size_t size = 0;
  while (size < rest_.size() && std::isspace(static_cast<unsigned char>(rest_[size])) == 0 &&
         stops.find(rest_[size]) == std::string_view::npos) {
    ++size;
  }
  std::string text(rest_.substr(0, size));
  rest_.remove_prefix(size);
  return text;
}

std::string Lexer::comparison() {
  for (const char* token : {"!=", "<=", ">=", "=", "<", ">"}) {
    if (take(token)) return token;
  }
  return {};
}

Result<Operand> take_operand(Lexer& lexer, std::string_view stops) {
  Operand operand;
  if (lexer.peek() == '%') {
    LF_TRY(regex, lexer.regex());
    operand.regex = std::move(regex);
    operand.quoted = true;
    return operand;
  }
  if (lexer.peek() == '"') {
    LF_TRY(text, lexer.quoted());
    operand.text = std::move(text);
    operand.quoted = true;
    return operand;
  }
  operand.text = lexer.bare(stops);
  if (operand.text.empty()) return invalid_pattern("a comparison has nothing on its right side");
  const char* begin = operand.text.data();
  const char* end = begin + operand.text.size();
  const auto [last, error] = std::from_chars(begin, end, operand.number);
  operand.numeric = error == std::errc() && last == end;
  return operand;
}

bool compare(std::string_view comparison, std::string_view value, const Operand& operand) {
  if (operand.numeric) {
    double number = 0;
    const auto [last, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    const bool is_number = error == std::errc() && last == value.data() + value.size();
    if (comparison == "!=") return !is_number || number != operand.number;
    if (!is_number) return false;
    if (comparison == "=") return number == operand.number;
    if (comparison == "<") return number < operand.number;
    if (comparison == ">") return number > operand.number;
    if (comparison == "<=") return number <= operand.number;
    return number >= operand.number;
  }
  const bool same =
      operand.regex ? operand.regex->found_in(value) : matches_wildcard(operand.text, value);
  return comparison == "!=" ? !same : comparison == "=" && same;
}

}  // namespace landfall::logs
