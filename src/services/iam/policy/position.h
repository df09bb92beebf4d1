// Where a statement stands in the text of its policy.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace landfall::iam::policy {

struct TextPosition {
  std::int32_t line = 1;  // from 1
  std::int32_t column = 1;
};

struct TextSpan {
  TextPosition begin;  // of its '{'
  TextPosition end;    // behind its '}'
};

// `text` is JSON that Document::parse took; index: of the statement, from 0.
std::optional<TextSpan> find_statement(std::string_view text, std::size_t index);

}  // namespace landfall::iam::policy
