#include "host/instance.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace landfall::host {
namespace {

TEST(Instance, TagComesFromTheResolvedPath) {
  std::string pattern = "/tmp/landfall-instance-XXXXXX";
  ASSERT_NE(mkdtemp(pattern.data()), nullptr);
  const std::filesystem::path root = pattern;
  std::filesystem::create_directory(root / "data");
  std::filesystem::create_symlink(root / "data", root / "link");

  const auto direct = instance_for(root / "data");
  ASSERT_TRUE(direct);
  EXPECT_EQ(direct->tag.size(), 6u);
  EXPECT_EQ(direct->tag.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(instance_for(root / "link")->tag, direct->tag);
  EXPECT_EQ(instance_for(root / "data/")->tag, direct->tag);
  EXPECT_NE(instance_for(root / "other")->tag, direct->tag);
  EXPECT_EQ(direct->namespace_name("edge"), "lf-" + direct->tag + "-edge");
  EXPECT_EQ(direct->namespace_path("edge"), "/run/netns/lf-" + direct->tag + "-edge");
  std::filesystem::remove_all(root);
}

TEST(Instance, TheFolderNeedNotExist) {
  const auto before = instance_for("/tmp/landfall-does-not-exist/data");
  ASSERT_TRUE(before);
  EXPECT_EQ(before->data_dir, "/tmp/landfall-does-not-exist/data");
}

}  // namespace
}  // namespace landfall::host
