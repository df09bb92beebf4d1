#include "io/remove_tree.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "io/files.h"

namespace landfall::io {
namespace {
namespace fs = std::filesystem;

TEST(RemoveLargeTree, RemovesEverythingAndFollowsNoLink) {
  std::string pattern = "/tmp/landfall-io-XXXXXX";
  ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
  const fs::path root = pattern;
  ASSERT_TRUE(write_file(root / "kept", "x"));
  for (int folder = 0; folder < 12; ++folder) {
    const fs::path deep = root / "tree" / std::to_string(folder) / "a" / "b";
    fs::create_directories(deep);
    for (int file = 0; file < 40; ++file) ASSERT_TRUE(write_file(deep / std::to_string(file), ""));
    fs::create_symlink(root, deep / "to-folder");
    fs::create_symlink("/nowhere", deep / "to-nothing");
  }
  ASSERT_TRUE(remove_large_tree(root / "tree"));
  EXPECT_FALSE(fs::exists(root / "tree"));
  EXPECT_TRUE(fs::exists(root / "kept"));
  EXPECT_TRUE(remove_large_tree(root / "tree")) << "absent is success";
  // A link to a folder is removed itself.
  fs::create_symlink(root, root / "link");
  ASSERT_TRUE(remove_large_tree(root / "link"));
  EXPECT_TRUE(fs::exists(root / "kept"));
  fs::remove_all(root);
}

}  // namespace
}  // namespace landfall::io
