#include "services/logs/insights/lexer.h"

#include <fmt/format.h>

#include <cctype>

#include "wire/json.h"
#include "wire/logs/errors.h"

namespace landfall::logs::insights {

namespace {

bool begins_word(unsigned char c) {
  return std::isalpha(c) != 0 || c == '_' || c == '@' || c >= 0x80;
}
bool in_word(unsigned char c) { return begins_word(c) || std::isdigit(c) != 0 || c == '.'; }

// Characters before byte `at`.
std::size_t characters_before(std::string_view text, std::size_t at) {
  std::size_t count = 0;
  for (const char c : text.substr(0, at)) count += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return count;
}

}  // namespace

std::unexpected<Error> malformed(std::string_view query, Span where, std::string_view what) {
  std::string compile_error = "{\"location\":{\"startCharOffset\":";
  compile_error += std::to_string(characters_before(query, where.begin));
  compile_error += ",\"endCharOffset\":";
  compile_error += std::to_string(characters_before(query, std::max(where.end, where.begin)));
  compile_error += "},\"message\":";
  wire::write_json_string(what, compile_error);
  compile_error += "}";
  return errors::malformed_query(std::string(what), {{"queryCompileError", compile_error}});
}

bool Token::is_word(std::string_view word) const {
  return kind == Kind::word && text.size() == word.size() &&
         std::equal(word.begin(), word.end(), text.begin(), [](char a, char b) {
           return a == std::tolower(static_cast<unsigned char>(b));
         });
}

Result<Token> Lexer::take() {
  Token taken = std::move(next_);
  taken_to_ = taken.span.end;
  LF_OK(advance());
  return taken;
}

void Lexer::skip_space() {
  while (at_ < query_.size()) {
    if (query_[at_] == '#') {
      at_ = std::min(query_.find('\n', at_), query_.size());
    } else if (std::isspace(static_cast<unsigned char>(query_[at_])) != 0) {
      ++at_;
    } else {
      return;
    }
  }
}

Result<void> Lexer::advance() {
  skip_space();
  next_ = {};
  next_.span.begin = at_;
  if (at_ == query_.size()) {
    next_.span.end = at_;
    return {};
  }
  const char c = query_[at_];
  const auto second = at_ + 1 < query_.size() ? query_[at_ + 1] : '\0';
  if (begins_word(static_cast<unsigned char>(c))) {
    std::size_t end = at_;
    while (end < query_.size() && in_word(static_cast<unsigned char>(query_[end]))) ++end;
    next_.kind = Token::Kind::word;
    next_.text = query_.substr(at_, end - at_);
    at_ = end;
  } else if (std::isdigit(static_cast<unsigned char>(c)) != 0 ||
             (c == '.' && std::isdigit(static_cast<unsigned char>(second)) != 0)) {
    take_number();
  } else if (c == '"' || c == '\'' || c == '`') {
    LF_OK(take_string(c));
  } else {
    static constexpr std::string_view kPairs[] = {"!=", "<=", ">=", "=~"};
    next_.kind = Token::Kind::symbol;
    next_.text = query_.substr(at_, 1);
    for (const std::string_view pair : kPairs) {
      if (query_.substr(at_).starts_with(pair)) next_.text = pair;
    }
    at_ += next_.text.size();
  }
  next_.span.end = at_;
  return {};
}

void Lexer::take_number() {
  const auto digits = [&] {
    while (at_ < query_.size() && std::isdigit(static_cast<unsigned char>(query_[at_])) != 0) ++at_;
  };
  const std::size_t begin = at_;
  next_.kind = Token::Kind::number;
  digits();
  if (at_ + 1 < query_.size() && query_[at_] == '.' &&
      std::isdigit(static_cast<unsigned char>(query_[at_ + 1])) != 0) {
    ++at_;
    digits();
  }
  std::size_t end = at_;
  while (end < query_.size() && std::isalpha(static_cast<unsigned char>(query_[end])) != 0) ++end;
  if (end != at_) next_.kind = Token::Kind::period;
  at_ = end;
  next_.text = query_.substr(begin, at_ - begin);
}

Result<void> Lexer::take_string(char quote) {
  const std::size_t begin = at_++;
  next_.kind = quote == '`' ? Token::Kind::quoted_field : Token::Kind::string;
  while (at_ < query_.size()) {
    const char c = query_[at_++];
    if (c == quote) return {};
    if (c != '\\' || quote == '`' || at_ == query_.size()) {
      next_.text.push_back(c);
      continue;
    }
    const char escaped = query_[at_++];
    switch (escaped) {
      case 'n':
        next_.text.push_back('\n');
        break;
      case 't':
        next_.text.push_back('\t');
        break;
      case 'r':
        next_.text.push_back('\r');
        break;
      case '\\':
      case '"':
      case '\'':
        next_.text.push_back(escaped);
        break;
      default:
        next_.text.push_back('\\');
        next_.text.push_back(escaped);
    }
  }
  return malformed(query_, {begin, query_.size()}, "a quotation mark is not closed");
}

Result<std::pair<std::string, Span>> Lexer::take_regex() {
  const std::size_t begin = next_.span.begin;
  std::string text;
  bool in_class = false;
  for (at_ = begin + 1; at_ < query_.size();) {
    const char c = query_[at_++];
    if (c == '/' && !in_class) {
      const Span span{begin, at_};
      taken_to_ = at_;
      LF_OK(advance());
      return std::pair{std::move(text), span};
    }
    if (c == '\\' && at_ < query_.size()) {
      if (query_[at_] != '/') text.push_back('\\');
      text.push_back(query_[at_++]);
      continue;
    }
    if (c == '[') in_class = true;
    if (c == ']') in_class = false;
    text.push_back(c);
  }
  return malformed(query_, {begin, query_.size()}, "the regular expression is not closed by /");
}

}  // namespace landfall::logs::insights
