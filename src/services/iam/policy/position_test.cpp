#include "services/iam/policy/position.h"

#include <gtest/gtest.h>

#include <string>

namespace landfall::iam::policy {
namespace {

std::string found(std::string_view text, std::size_t index) {
  const auto span = find_statement(text, index);
  if (!span) return "none";
  if (span->begin.line != span->end.line) {
    return std::to_string(span->begin.line) + "-" + std::to_string(span->end.line);
  }
  return std::string(text.substr(std::size_t(span->begin.column - 1),
                                 std::size_t(span->end.column - span->begin.column)));
}

TEST(StatementPosition, SingleAndInAList) {
  EXPECT_EQ(found(R"({"Version":"x","Statement":{"a":{"b":1}}})", 0), R"({"a":{"b":1}})");
  constexpr std::string_view kTwo =
      R"({"Statement" : [{"Sid":"}{"},{"c":["{"]}],"Id":"Statement"})";
  EXPECT_EQ(found(kTwo, 0), R"({"Sid":"}{"})");
  EXPECT_EQ(found(kTwo, 1), R"({"c":["{"]})");
  EXPECT_EQ(found(kTwo, 2), "none");
}

TEST(StatementPosition, LinesCount) {
  EXPECT_EQ(found("{\n\"Statement\": [\n{\n\"Sid\": \"a\\\"b\"\n}\n]\n}", 0), "3-5");
  EXPECT_EQ(found("", 0), "none");
  EXPECT_EQ(found("{\"Statement\": [{\"x", 0), "none");
}

}  // namespace
}  // namespace landfall::iam::policy
