#include "store/sealed.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "io/files.h"

namespace landfall::store {
namespace {

TEST(Sealer, OpensOnlyWhatItSealedForTheSamePurpose) {
  SeededRandom random(1);
  const auto sealer = Sealer::from_key(std::string(32, 'k'), random);
  const std::string sealed = sealer->seal("secret", "iam/a");
  EXPECT_EQ(sealed.find("secret"), std::string::npos);
  EXPECT_EQ(*sealer->unseal(sealed, "iam/a"), "secret");
  EXPECT_EQ(*sealer->unseal(sealer->seal("", "x"), "x"), "");
  EXPECT_NE(sealer->seal("secret", "iam/a"), sealed);
  EXPECT_EQ(sealer->unseal(sealed, "iam/b").error().code, "unsealable");
  EXPECT_FALSE(Sealer::from_key(std::string(32, 'x'), random)->unseal(sealed, "iam/a"));
  std::string changed = sealed;
  changed[10] = changed[10] == 'A' ? 'B' : 'A';
  EXPECT_FALSE(sealer->unseal(changed, "iam/a"));
  EXPECT_FALSE(sealer->unseal("v1:AAAA", "iam/a"));
  EXPECT_FALSE(sealer->unseal("secret", "iam/a"));
}

TEST(Sealer, KeepsItsKeyPrivate) {
  char folder[] = "/tmp/landfall-sealed-XXXXXX";
  ASSERT_TRUE(mkdtemp(folder));
  const std::filesystem::path file = std::filesystem::path(folder) / "key";
  SystemRandom random;
  std::string sealed;
  {
    auto first = Sealer::open(file, random);
    ASSERT_TRUE(first) << first.error().message;
    sealed = (*first)->seal("secret", "x");
  }
  struct stat info{};
  ASSERT_EQ(stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(*(*Sealer::open(file, random))->unseal(sealed, "x"), "secret");
  ASSERT_EQ(chmod(file.c_str(), 0644), 0);
  EXPECT_EQ(Sealer::open(file, random).error().code, "key-unreadable");
  ASSERT_TRUE(io::write_file(file, "short", 0600));
  EXPECT_EQ(Sealer::open(file, random).error().code, "key-unreadable");
  ASSERT_TRUE(io::remove_tree(folder));
}

}  // namespace
}  // namespace landfall::store
