// Regular expressions of rule conditions. All alternatives are followed at once (Thompson), so the
// time is linear in the text whatever the expression: no request can stop a thread.
//
// The syntax is what path and host expressions use of PCRE:
//   .  [a-z]  [^...]  \d \w \s \D \W \S  \.  ( )  (?: )  |  * + ? {m,n} and their lazy forms  ^  $
// An expression is searched for, unless ^ and $ say otherwise. What ( ) enclose is known after
// search(), which prefers what PCRE prefers: the leftmost match, greedy or lazy as written.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace landfall::proxy {

class Regex {
 public:
  // Error "regex-invalid".
  static Result<std::shared_ptr<const Regex>> compile(std::string_view text, bool ignore_case);
  bool matches(std::string_view text) const;

  // The whole match and what its first nine groups enclose; without data(): no part of it.
  static constexpr std::size_t kGroups = 10;
  using Groups = std::array<std::string_view, kGroups>;
  bool search(std::string_view text, Groups& out) const;
  // How many ( ) there are.
  int groups() const { return groups_; }
  // Of the program; the time of a search is at most this times the text's length.
  std::size_t size() const { return program_.size(); }

 private:
  friend class RegexParser;
  enum class Op : std::uint8_t { byte_set, at_begin, at_end, split, jump, save, match };
  struct Instruction {
    Op op = Op::match;
    std::uint32_t x = 0;  // byte_set: index of the set; split, jump: where to; save: the slot
    std::uint32_t y = 0;  // split: the other branch, which is tried after x
  };
  using Set = std::array<std::uint64_t, 4>;
  struct Threads;
  bool follow(Threads& threads, std::uint32_t start, bool begin, bool end) const;
  struct Search;

  std::vector<Instruction> program_;
  std::vector<Set> sets_;
  int groups_ = 0;
};

}  // namespace landfall::proxy
