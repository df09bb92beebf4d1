#include "services/cloudwatch/alarms/rule.h"

#include <fmt/format.h>

#include <algorithm>

namespace landfall::cloudwatch {
namespace {
constexpr int kMostNested = 64;
constexpr std::size_t kMostAlarms = 100;
}  // namespace

class AlarmRule::Parser {
 public:
  Parser(std::string_view text, AlarmRule& out) : text_(text), out_(out) {}

  Result<Node> whole() {
    LF_TRY(node, either());
    skip();
    if (at_ != text_.size()) return wrong();
    return std::move(node);
  }

 private:
  std::unexpected<Error> wrong() const {
    return fail("rule", at_ >= text_.size() ? "it ends too early"
                                            : fmt::format("unexpected '{}' at position {}",
                                                          text_.substr(at_, 20), at_ + 1));
  }
  void skip() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  bool take(std::string_view token) {
    skip();
    if (!text_.substr(at_).starts_with(token)) return false;
    const bool word = std::isalpha(static_cast<unsigned char>(token[0]));
    const std::size_t end = at_ + token.size();
    if (word && end < text_.size() &&
        (std::isalnum(static_cast<unsigned char>(text_[end])) || text_[end] == '_')) {
      return false;
    }
    at_ = end;
    return true;
  }

  Result<Node> chain(Node::Kind kind, std::string_view word, Result<Node> (Parser::*inner)()) {
    LF_TRY(first, (this->*inner)());
    if (!take(word)) return std::move(first);
    Node node{.kind = kind};
    node.parts.push_back(std::move(first));
    do {
      LF_TRY(next, (this->*inner)());
      node.parts.push_back(std::move(next));
    } while (take(word));
    return node;
  }
  Result<Node> either() { return chain(Node::Kind::either, "OR", &Parser::both); }
  Result<Node> both() { return chain(Node::Kind::both, "AND", &Parser::term); }

  Result<Node> term() {
    if (++depth_ > kMostNested) return fail("rule", "it is nested too deeply");
    struct Leave {
      int& depth;
      ~Leave() { --depth; }
    } leave{depth_};
    if (take("NOT")) {
      LF_TRY(inner, term());
      Node node{.kind = Node::Kind::negation};
      node.parts.push_back(std::move(inner));
      return node;
    }
    if (take("TRUE")) return Node{.value = true};
    if (take("FALSE")) return Node{.value = false};
    for (const AlarmState state :
         {AlarmState::ok, AlarmState::alarm, AlarmState::insufficient_data}) {
      if (take(to_text(state))) return state_of(state);
    }
    if (!take("(")) return wrong();
    LF_TRY(inner, either());
    if (!take(")")) return wrong();
    return std::move(inner);
  }

  Result<Node> state_of(AlarmState state) {
    if (!take("(")) return wrong();
    skip();
    Node node{.kind = Node::Kind::state, .state = state};
    if (at_ < text_.size() && text_[at_] == '"') {
      for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
        if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
        node.alarm += text_[at_];
      }
      if (!take("\"")) return wrong();
    } else {
      while (at_ < text_.size() && text_[at_] != ')' && text_[at_] != '(')
        node.alarm += text_[at_++];
      while (!node.alarm.empty() && std::isspace(static_cast<unsigned char>(node.alarm.back())))
        node.alarm.pop_back();
    }
    if (node.alarm.empty() || !take(")")) return wrong();
    out_.alarms_.insert(node.alarm);
    if (out_.alarms_.size() > kMostAlarms) return fail("rule", "it names more than 100 alarms");
    return node;
  }

  std::string_view text_;
  AlarmRule& out_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

Result<AlarmRule> AlarmRule::parse(std::string_view text) {
  AlarmRule out;
  LF_TRY(root, Parser(text, out).whole());
  out.root_ = std::move(root);
  return out;
}

bool AlarmRule::holds(
    const std::function<std::optional<AlarmState>(const std::string&)>& state_of) const {
  return holds(root_, state_of);
}

bool AlarmRule::holds(
    const Node& node,
    const std::function<std::optional<AlarmState>(const std::string&)>& state_of) {
  const auto inner = [&](const Node& part) { return holds(part, state_of); };
  switch (node.kind) {
    case Node::Kind::constant:
      return node.value;
    case Node::Kind::state:
      return state_of(node.alarm) == node.state;
    case Node::Kind::negation:
      return !inner(node.parts[0]);
    case Node::Kind::both:
      return std::ranges::all_of(node.parts, inner);
    case Node::Kind::either:
      return std::ranges::any_of(node.parts, inner);
  }
  return false;
}

std::string alarm_name_of(const Scope& scope, const std::string& reference) {
  const std::string prefix =
      fmt::format("arn:aws:cloudwatch:{}:{}:alarm:", scope.region, scope.account);
  return reference.starts_with(prefix) ? reference.substr(prefix.size()) : reference;
}

}  // namespace landfall::cloudwatch
