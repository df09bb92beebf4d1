#include "host/volumes/volumes.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "io/files.h"

namespace landfall::host {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

// Runs a body over volumes in a folder of its own; unmounts and removes everything afterwards, also
// after a failure.
void with_volumes(std::function<task<void>(io::Loop&, Volumes&, std::filesystem::path)> body) {
  if (::geteuid() != 0) GTEST_SKIP() << "mounting needs root";
  char folder[] = "/tmp/landfall-volumes-XXXXXX";
  ASSERT_TRUE(::mkdtemp(folder));
  io::Loop loop(2);
  const auto run = [](io::Loop& l, std::filesystem::path root,
                      std::function<task<void>(io::Loop&, Volumes&, std::filesystem::path)>& test)
      -> task<void> {
    Volumes volumes(l, root);
    EXPECT_TRUE(co_await volumes.recover());
    co_await test(l, volumes, root);
    for (const std::string& id : volumes.list()) EXPECT_TRUE(co_await volumes.remove(id));
  };
  loop.run(run(loop, folder, body));
  ASSERT_TRUE(io::remove_tree(folder));
}

TEST(Volumes, ASizeIsALimitAndGrowingLiftsIt) {
  with_volumes([](io::Loop&, Volumes& volumes, std::filesystem::path) -> task<void> {
    EXPECT_TRUE(co_await volumes.create("a", 32 * kMiB));
    auto folder = co_await volumes.mount("a");
    EXPECT_TRUE(folder);
    EXPECT_EQ(*folder, *co_await volumes.mount("a"));
    const std::string much(40 * kMiB, 'x');
    EXPECT_EQ(io::write_file(*folder / "much", much).error().code, "errno-ENOSPC");
    if (auto grown = co_await volumes.grow("a", 96 * kMiB); !grown) {
      EXPECT_EQ(grown.error().code, "needs-unmount");
      EXPECT_TRUE(co_await volumes.unmount("a"));
      EXPECT_TRUE(co_await volumes.grow("a", 96 * kMiB));
      EXPECT_TRUE(co_await volumes.mount("a"));
    }
    EXPECT_TRUE(io::write_file(*folder / "much", much));
    EXPECT_GT(volumes.usage("a")->size_bytes, 64 * kMiB);
  });
}

TEST(Volumes, ASnapshotOfAMountedVolumeRestoresWhatWasThere) {
  with_volumes([](io::Loop&, Volumes& volumes, std::filesystem::path) -> task<void> {
    EXPECT_TRUE(co_await volumes.create("a", 32 * kMiB));
    auto folder = co_await volumes.mount("a");
    EXPECT_TRUE(io::write_file(*folder / "file", "before"));
    EXPECT_TRUE(co_await volumes.snapshot("a", "s"));
    EXPECT_TRUE(io::write_file(*folder / "file", "after"));
    EXPECT_TRUE(co_await volumes.create_from_snapshot("b", "s", 64 * kMiB));
    auto restored = co_await volumes.mount("b");
    EXPECT_EQ(io::read_file(*restored / "file").value_or(""), "before");
    EXPECT_EQ((co_await volumes.create_from_snapshot("c", "none", kMiB)).error().code, "not-found");
  });
}

TEST(Volumes, RecoverRemovesHalfMadeFiles) {
  with_volumes([](io::Loop& loop, Volumes& volumes, std::filesystem::path root) -> task<void> {
    EXPECT_TRUE(io::write_file(root / "volumes/x.img.new", "half"));
    EXPECT_TRUE(co_await Volumes(loop, root).recover());
    EXPECT_FALSE(std::filesystem::exists(root / "volumes/x.img.new"));
    EXPECT_FALSE(volumes.exists("x"));
  });
}

}  // namespace
}  // namespace landfall::host
