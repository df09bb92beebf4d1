#include "store/pagination.h"

#include <gtest/gtest.h>

namespace landfall::store {
namespace {

TEST(Pagination, WalksAListInPages) {
  std::vector<int> items{1, 2, 3, 4, 5};
  auto id = [](int item) { return std::to_string(item); };
  auto token = cut_page(items, 2, id, "things");
  EXPECT_EQ(items, (std::vector<int>{1, 2}));
  ASSERT_TRUE(token);
  EXPECT_EQ(*read_page_token("things", *token), "2");
  EXPECT_FALSE(cut_page(items, 2, id, "things"));
  EXPECT_FALSE(cut_page(items, 0, id, "things"));
  EXPECT_EQ(*read_page_token("things", std::optional<std::string>()), "");
}

TEST(Pagination, RefusesTokensItDidNotGive) {
  const std::string token = make_page_token("things", "item-2");
  std::string edited = token;
  edited[edited.size() - 3] ^= 1;
  for (const std::string& bad : {std::string(""), std::string("AAAA"), std::string("%%%"), edited,
                                 make_page_token("others", "item-2")}) {
    auto read = read_page_token("things", bad);
    ASSERT_FALSE(read) << bad;
    EXPECT_EQ(read.error().code, "invalid-token");
  }
}

}  // namespace
}  // namespace landfall::store
