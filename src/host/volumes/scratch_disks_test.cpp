#include "host/volumes/scratch_disks.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "io/files.h"

namespace landfall::host {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

TEST(ScratchDisks, ASizeIsALimitAndNothingIsLeftBehind) {
  if (::geteuid() != 0) GTEST_SKIP() << "mounting needs root";
  char made[] = "/tmp/landfall-scratch-XXXXXX";
  ASSERT_TRUE(::mkdtemp(made));
  const std::filesystem::path root = std::filesystem::path(made) / "disks";
  io::Loop loop(2);
  const auto body = [](io::Loop& l, std::filesystem::path root) -> task<void> {
    ScratchDisks disks(l, root);
    EXPECT_TRUE(disks.list().empty());
    auto folder = co_await disks.make("task-1", 32 * kMiB);
    EXPECT_TRUE(folder) << (folder ? "" : folder.error().message);
    if (!folder) co_return;
    EXPECT_TRUE(io::write_file(*folder / "kept", "this"));
    EXPECT_TRUE(io::write_file(*folder / "large", std::string(10 * kMiB, 'x')));
    EXPECT_EQ(io::write_file(*folder / "much", std::string(40 * kMiB, 'x')).error().code,
              "errno-ENOSPC");
    // As after a restart: what is mounted is found as it is.
    ScratchDisks again(l, root);
    EXPECT_EQ(again.list(), std::vector<std::string>{"task-1"});
    EXPECT_EQ(*co_await again.make("task-1", 32 * kMiB), *folder);
    EXPECT_EQ(io::read_file(*folder / "kept").value_or(""), "this");
    EXPECT_GT(again.usage("task-1")->used_bytes, 9 * kMiB);
    EXPECT_LT(again.usage("task-1")->size_bytes, 33 * kMiB);
    // A file that is held keeps the disk; the removal is repeated.
    io::Fd held(::open((*folder / "kept").c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_EQ((co_await again.remove("task-1")).error().code, "volume-failed");
    EXPECT_TRUE(again.mounted("task-1"));
    held = {};
    EXPECT_TRUE(co_await again.remove("task-1"));
    EXPECT_TRUE(co_await again.remove("task-1")) << "absent is success";
    EXPECT_TRUE(again.list().empty());
    EXPECT_EQ(again.usage("task-1").error().code, "not-mounted");
    // Cut off before it was mounted: made anew.
    EXPECT_TRUE(io::write_file(root / "task-2.img", "half"));
    EXPECT_TRUE(co_await again.make("task-2", 32 * kMiB));
    EXPECT_TRUE(co_await again.remove("task-2"));
  };
  loop.run(body(loop, root));
  ASSERT_TRUE(io::remove_tree(made));
}

}  // namespace
}  // namespace landfall::host
