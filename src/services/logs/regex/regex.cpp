// A match that needs more steps than this throws. (A step is some 10 ns.)
#define BOOST_REGEX_MAX_STATE_COUNT 2000000
#define BOOST_REGEX_STANDALONE
#include "services/logs/regex/regex.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/regex.hpp>
#include <cstring>

#include "services/logs/regex/contains.h"

namespace landfall::logs {

namespace {

constexpr std::size_t kMostGroups = 100;

// What can be said about an expression without running it: the names of its groups, and the longest
// text that every match holds.
class Outline {
 public:
  explicit Outline(std::string_view text) : text_(text) {
    while (at_ < text_.size()) step();
    end_run();
    if (alternatives_) literal_.clear();
  }
  std::vector<std::string> names;
  const std::string& literal() const { return literal_; }
  // Nothing but the literal.
  bool plain() const { return plain_ && !alternatives_; }

 private:
  void step() {
    const char c = text_[at_];
    switch (c) {
      case '\\':
        escape();
        break;
      case '[':
        skip_class();
        end_run();
        plain_ = false;
        break;
      case '(':
        open_group();
        break;
      case ')':
        --depth_;
        ++at_;
        end_run();
        break;
      case '|':
        if (depth_ == 0) alternatives_ = true;
        ++at_;
        end_run();
        break;
      case '^':
      case '$':
      case '.':
        ++at_;
        end_run();
        plain_ = false;
        break;
      case '?':
      case '*':
      case '{':
        // What stands before may be absent.
        if (!run_.empty()) run_.pop_back();
        at_ += bound_size();
        end_run();
        plain_ = false;
        break;
      case '+':
        ++at_;
        end_run();
        plain_ = false;
        break;
      default:
        ++at_;
        literal(c);
    }
  }

  // Of "{2,3}"; any other character is itself.
  std::size_t bound_size() const {
    const auto end = text_.find_first_not_of("0123456789,", at_ + 1);
    const bool bound = text_[at_] == '{' && end != std::string_view::npos && text_[end] == '}';
    return bound ? end + 1 - at_ : 1;
  }

  void escape() {
    const char next = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    at_ = std::min(at_ + 2, text_.size());
    if (next != '\0' && std::isalnum(static_cast<unsigned char>(next)) == 0) {
      literal(next);
    } else {
      // Classes, anchors, back references; \Q and \x.. change what follows.
      if (std::strchr("dDwWsSbB", next) == nullptr || next == '\0') opaque_ = true;
      end_run();
      plain_ = false;
    }
  }

  void skip_class() {
    ++at_;
    if (at_ < text_.size() && text_[at_] == '^') ++at_;
    if (at_ < text_.size() && text_[at_] == ']') ++at_;
    while (at_ < text_.size() && text_[at_] != ']') {
      if (text_[at_] == '\\') ++at_;
      if (text_.substr(at_).starts_with("[:")) {
        const auto end = text_.find(":]", at_);
        if (end != std::string_view::npos) at_ = end + 1;
      }
      ++at_;
    }
    at_ = std::min(at_ + 1, text_.size());
  }

  void open_group() {
    end_run();
    plain_ = false;
    ++depth_;
    const std::string_view rest = text_.substr(at_);
    ++at_;
    if (!rest.starts_with("(?")) {
      names.emplace_back();
      return;
    }
    const std::size_t name_at =
        rest.starts_with("(?<") && rest.size() > 3 && rest[3] != '=' && rest[3] != '!' ? 3
        : rest.starts_with("(?P<")                                                     ? 4
                                                                                       : 0;
    if (name_at != 0) {
      names.emplace_back(rest.substr(name_at, rest.find('>') - name_at));
    } else if (!rest.starts_with("(?:")) {
      opaque_ = true;  // (?i) and the like
    }
  }

  void literal(char c) {
    if (depth_ == 0) run_.push_back(c);
  }
  void end_run() {
    if (opaque_) {
      literal_.clear();
      plain_ = false;
    } else if (run_.size() > literal_.size()) {
      literal_ = run_;
    }
    run_.clear();
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  bool alternatives_ = false;
  bool opaque_ = false;
  bool plain_ = true;
  std::string run_;
  std::string literal_;
};

struct BoostRegex final : Regex {
  BoostRegex(std::string_view text, const Outline& outline)
      : regex(text.begin(), text.end(), boost::regex::perl) {
    required_ = outline.literal();
    group_names_ = outline.names;
    plain = outline.plain() && !required_.empty();
  }

  bool found_in(std::string_view text) const override {
    if (!required_.empty()) {
      if (!contains(text, required_)) return false;
      if (plain) return true;
    }
    boost::cmatch found;
    return search(text, found);
  }

  bool match(std::string_view text, std::vector<std::string_view>& groups) const override {
    if (!required_.empty() && !contains(text, required_)) return false;
    boost::cmatch found;
    if (!search(text, found)) return false;
    groups.clear();
    for (std::size_t i = 1; i < found.size(); ++i) {
      const auto& group = found[static_cast<int>(i)];
      groups.push_back(group.matched ? std::string_view(group.first, group.second)
                                     : std::string_view());
    }
    return true;
  }

  bool search(std::string_view text, boost::cmatch& found) const {
    try {
      return boost::regex_search(text.data(), text.data() + text.size(), found, regex);
    } catch (const std::runtime_error&) {
      throw TooComplex();
    }
  }

  boost::regex regex;
  bool plain = false;
};

}  // namespace

Result<std::shared_ptr<const Regex>> Regex::compile(std::string_view text) {
  std::string perl(text);
  for (auto at = perl.find("(?P<"); at != std::string::npos; at = perl.find("(?P<", at)) {
    perl.erase(at + 2, 1);
  }
  const Outline outline(perl);
  if (outline.names.size() > kMostGroups) {
    return fail("invalid-regex",
                fmt::format("a regular expression has at most {} groups", kMostGroups));
  }
  try {
    return std::make_shared<BoostRegex>(perl, outline);
  } catch (const std::runtime_error& error) {
    std::string_view why = error.what();
    why = why.substr(0, why.find("  The error occurred"));
    return fail("invalid-regex", std::string(why));
  }
}

}  // namespace landfall::logs
