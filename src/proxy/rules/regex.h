// Regular expressions of rule conditions. All alternatives are followed at once (Thompson), so the
// time is linear in the text whatever the expression: no request can stop a thread.
//
// The syntax is what path and host expressions use of PCRE:
//   .  [a-z]  [^...]  \d \w \s \D \W \S  \.  ( )  (?: )  |  * + ? {m,n} and their lazy forms  ^  $
// An expression is searched for, unless ^ and $ say otherwise.
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

 private:
  friend class RegexParser;
  enum class Op : std::uint8_t { byte_set, at_begin, at_end, split, jump, match };
  struct Instruction {
    Op op = Op::match;
    std::uint32_t x = 0;  // byte_set: index of the set; split, jump: where to
    std::uint32_t y = 0;  // split: the other branch
  };
  using Set = std::array<std::uint64_t, 4>;
  struct Threads;
  bool follow(Threads& threads, std::uint32_t start, bool begin, bool end) const;

  std::vector<Instruction> program_;
  std::vector<Set> sets_;
};

}  // namespace landfall::proxy
