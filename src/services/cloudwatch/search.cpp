#include "services/cloudwatch/search.h"

#include <algorithm>

namespace landfall::cloudwatch {

struct MetricSearch::Term {
  enum class Kind { word, exact, all, any, none };
  Kind kind = Kind::word;
  std::string property;  // "MetricName", "Namespace" or a dimension; empty: any of them
  std::string text;
  std::vector<Term> parts;
};

namespace {

using Term = MetricSearch::Term;

constexpr std::size_t kMostBytes = 1024;
constexpr int kMostNested = 32;

bool is_word(char c) {
  return !std::isspace(static_cast<unsigned char>(c)) && !std::string_view("(){}\"=,").contains(c);
}

// What a name is made of, in lower case: "CPUUtilization-web" is cpu, utilization, web and the two
// written together.
std::vector<std::string> tokens_of(std::string_view text) {
  std::vector<std::string> out;
  std::string whole, part;
  const auto end_part = [&] {
    if (!part.empty()) out.push_back(part);
    part.clear();
  };
  const auto end_whole = [&] {
    end_part();
    if (!whole.empty()) out.push_back(whole);
    whole.clear();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (!std::isalnum(c)) {
      end_whole();
      continue;
    }
    const bool after_lower = i > 0 && std::islower(static_cast<unsigned char>(text[i - 1]));
    const bool before_lower =
        i + 1 < text.size() && std::islower(static_cast<unsigned char>(text[i + 1]));
    if (std::isupper(c) && (after_lower || before_lower)) end_part();
    part += static_cast<char>(std::tolower(c));
    whole += static_cast<char>(std::tolower(c));
  }
  end_whole();
  return out;
}

bool has_tokens(std::string_view field, std::string_view wanted) {
  const auto there = tokens_of(field);
  // Of the term the parts that are written together count as one.
  std::string word;
  const auto known = [&] { return word.empty() || std::ranges::find(there, word) != there.end(); };
  for (const char c : wanted) {
    if (std::isalnum(static_cast<unsigned char>(c))) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      continue;
    }
    if (!known()) return false;
    word.clear();
  }
  return known();
}

bool fits(const Term& term, std::string_view field) {
  return term.kind == Term::Kind::exact ? field == term.text : has_tokens(field, term.text);
}

bool holds(const Term& term, const MetricKey& metric) {
  switch (term.kind) {
    case Term::Kind::all:
      return std::ranges::all_of(term.parts, [&](const Term& one) { return holds(one, metric); });
    case Term::Kind::any:
      return std::ranges::any_of(term.parts, [&](const Term& one) { return holds(one, metric); });
    case Term::Kind::none:
      return !holds(term.parts.front(), metric);
    default:
      break;
  }
  if (term.property == "MetricName") return fits(term, metric.name);
  if (term.property == "Namespace") return fits(term, metric.space);
  if (!term.property.empty()) {
    const auto found = metric.dimensions.find(term.property);
    return found != metric.dimensions.end() && fits(term, found->second);
  }
  if (fits(term, metric.name) || fits(term, metric.space)) return true;
  return std::ranges::any_of(metric.dimensions, [&](const auto& dimension) {
    return fits(term, dimension.first) || fits(term, dimension.second);
  });
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<std::vector<std::string>> schema() {
    std::vector<std::string> names;
    if (!take('{')) return names;
    do {
      LF_TRY(name, word());
      names.push_back(std::move(name.first));
    } while (take(','));
    if (!take('}')) return wrong();
    return names;
  }

  // Null: nothing is left to parse.
  Result<std::shared_ptr<const Term>> terms() {
    skip();
    if (at_ == text_.size()) return nullptr;
    LF_TRY(term, any({}));
    skip();
    if (at_ != text_.size()) return wrong();
    return std::make_shared<const Term>(std::move(term));
  }

 private:
  std::unexpected<Error> wrong() const {
    return fail("math", at_ >= text_.size()
                            ? std::string("the search ends too early")
                            : fmt::format("unexpected '{}' in the search", text_.substr(at_, 16)));
  }
  void skip() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  bool take(char c) {
    skip();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool take_keyword(std::string_view keyword) {
    skip();
    if (!text_.substr(at_).starts_with(keyword)) return false;
    const std::size_t end = at_ + keyword.size();
    if (end < text_.size() && is_word(text_[end])) return false;
    at_ = end;
    return true;
  }
  // A word, or text in double quotes, and which of both.
  Result<std::pair<std::string, bool>> word() {
    skip();
    if (take('"')) {
      const std::size_t end = text_.find('"', at_);
      if (end == text_.npos) return fail("math", "a text in the search has no end");
      std::string inside(text_.substr(at_, end - at_));
      at_ = end + 1;
      return std::pair(std::move(inside), true);
    }
    const std::size_t start = at_;
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    if (at_ == start) return wrong();
    return std::pair(std::string(text_.substr(start, at_ - start)), false);
  }

  Result<Term> any(const std::string& property) {
    LF_TRY(first, all(property));
    Term out{.kind = Term::Kind::any};
    out.parts.push_back(std::move(first));
    while (take_keyword("OR")) {
      LF_TRY(next, all(property));
      out.parts.push_back(std::move(next));
    }
    if (out.parts.size() == 1) return std::move(out.parts.front());
    return out;
  }

  Result<Term> all(const std::string& property) {
    Term out{.kind = Term::Kind::all};
    while (true) {
      LF_TRY(next, one(property));
      out.parts.push_back(std::move(next));
      if (take_keyword("AND")) continue;
      skip();
      // Terms beside each other must all hold.
      if (at_ == text_.size() || text_[at_] == ')') break;
      const std::size_t here = at_;
      if (take_keyword("OR")) {
        at_ = here;
        break;
      }
    }
    if (out.parts.size() == 1) return std::move(out.parts.front());
    return out;
  }

  Result<Term> one(const std::string& property) {
    if (++depth_ > kMostNested) return fail("math", "the search is nested too deeply");
    struct Leave {
      int& depth;
      ~Leave() { --depth; }
    } leave{depth_};
    if (take_keyword("NOT")) {
      LF_TRY(inner, one(property));
      Term out{.kind = Term::Kind::none};
      out.parts.push_back(std::move(inner));
      return out;
    }
    if (take('(')) {
      LF_TRY(inner, any(property));
      if (!take(')')) return wrong();
      return std::move(inner);
    }
    if (take_keyword("AND") || take_keyword("OR")) return wrong();
    LF_TRY(text, word());
    if (property.empty() && take('=')) return one(text.first);
    return Term{.kind = text.second ? Term::Kind::exact : Term::Kind::word,
                .property = property,
                .text = std::move(text.first)};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Result<MetricSearch> MetricSearch::parse(std::string_view text) {
  if (text.size() > kMostBytes) {
    return fail("math", fmt::format("a search has at most {} characters", kMostBytes));
  }
  Parser parser(text);
  LF_TRY(schema, parser.schema());
  MetricSearch out;
  if (!schema.empty()) {
    out.space_ = schema.front();
    out.dimensions_.assign(schema.begin() + 1, schema.end());
    std::ranges::sort(out.dimensions_);
  }
  LF_TRY(term, parser.terms());
  out.term_ = std::move(term);
  if (schema.empty() && !out.term_) return fail("math", "the search is empty");
  return out;
}

bool MetricSearch::matches(const MetricKey& metric) const {
  if (!space_.empty()) {
    if (metric.space != space_ || metric.dimensions.size() != dimensions_.size()) return false;
    const bool same = std::ranges::equal(
        metric.dimensions, dimensions_,
        [](const auto& dimension, const std::string& name) { return dimension.first == name; });
    if (!same) return false;
  }
  return !term_ || holds(*term_, metric);
}

}  // namespace landfall::cloudwatch
