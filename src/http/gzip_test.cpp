#include "http/gzip.h"

#include <gtest/gtest.h>

namespace landfall::http {
namespace {

TEST(Gzip, BringsBackWhatWentIn) {
  for (const std::size_t size : {0uz, 1uz, 100uz, 300'000uz}) {
    const std::string text(size, 'x');
    const auto back = gunzip(gzip(text), 1 << 20);
    ASSERT_TRUE(back);
    EXPECT_EQ(*back, text);
  }
}

TEST(Gzip, StopsAtTheLimit) {
  const auto bomb = gzip(std::string(10 << 20, '\0'));
  EXPECT_LT(bomb.size(), 64u << 10);
  const auto out = gunzip(bomb, 1 << 20);
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code, "body-too-large");
}

TEST(Gzip, RefusesWhatIsNotGzipOrCut) {
  const std::string whole = gzip("some text");
  for (const std::string& text : {std::string("plain"), std::string(), whole.substr(0, 12)}) {
    const auto out = gunzip(text, 1 << 20);
    ASSERT_FALSE(out);
    EXPECT_EQ(out.error().code, "not-gzip");
  }
}

}  // namespace
}  // namespace landfall::http
