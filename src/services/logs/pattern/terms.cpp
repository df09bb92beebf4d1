#include <cstring>
#include <vector>

#include "services/logs/pattern/lexer.h"
#include "services/logs/pattern/pattern.h"
#include "services/logs/regex/contains.h"

namespace landfall::logs {

namespace {

struct Term {
  std::string text;
  std::shared_ptr<const Regex> regex;
  bool in(std::string_view message) const {
    return regex ? regex->found_in(message) : contains(message, text);
  }
  const std::string& required() const { return regex ? regex->required() : text; }
};

struct Terms final : Pattern {
  std::vector<Term> all;
  std::vector<Term> none;
  std::vector<Term> any;
  std::string longest;

  bool match(std::string_view message, Extracted*) const override {
    for (const Term& term : all) {
      if (!term.in(message)) return false;
    }
    for (const Term& term : none) {
      if (term.in(message)) return false;
    }
    if (any.empty()) return true;
    return std::any_of(any.begin(), any.end(), [&](const Term& term) { return term.in(message); });
  }
  std::string_view required() const override { return longest; }
};

// AWS wants quotation marks around a term with other characters.
bool is_bare_term(std::string_view term) {
  return !term.empty() && std::all_of(term.begin(), term.end(), [](unsigned char c) {
    return std::isalnum(c) || c >= 0x80 || strchr("_./*@#$", c) != nullptr;
  });
}

}  // namespace

bool matches_wildcard(std::string_view pattern, std::string_view text) {
  // The last '*' may take one character more; going back further is never needed.
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string_view::npos;
  std::size_t taken = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++taken;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

Result<std::shared_ptr<const Pattern>> parse_terms(std::string_view text) {
  auto terms = std::make_shared<Terms>();
  Lexer lexer(text);
  while (!lexer.at_end()) {
    auto* list = &terms->all;
    if (lexer.take("?")) {
      list = &terms->any;
    } else if (lexer.take("-")) {
      list = &terms->none;
    }
    Term term;
    if (lexer.peek() == '"') {
      LF_TRY(quoted, lexer.quoted());
      term.text = std::move(quoted);
    } else if (lexer.peek() == '%') {
      LF_TRY(regex, lexer.regex());
      term.regex = std::move(regex);
    } else {
      term.text = lexer.bare("\"");
      if (!is_bare_term(term.text)) {
        return invalid_pattern(fmt::format("Invalid character(s) in term '{}'", term.text));
      }
    }
    if (term.regex || !term.text.empty()) list->push_back(std::move(term));
  }
  // "?" beside other terms has no effect, as documented.
  if (!terms->all.empty() || !terms->none.empty()) terms->any.clear();
  for (const Term& term : terms->all) {
    if (term.required().size() > terms->longest.size()) terms->longest = term.required();
  }
  if (terms->all.empty() && terms->any.size() == 1) {
    terms->longest = terms->any.front().required();
  }
  return terms;
}

Result<std::shared_ptr<const Pattern>> Pattern::parse(std::string_view text) {
  Lexer lexer(text);
  switch (lexer.peek()) {
    case '{':
      return parse_json_pattern(text);
    case '[':
      return parse_columns(text);
    default:
      return parse_terms(text);
  }
}

}  // namespace landfall::logs
