#include "host/containers/mount.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <future>

namespace landfall::host {
namespace {
namespace fs = std::filesystem;

class MountTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    char name[] = "/tmp/mount-test-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    root_ = name;
    for (const char* folder : {"low", "high", "upper", "work", "target"}) {
      fs::create_directory(root_ / folder);
    }
    ASSERT_TRUE(io::write_file(root_ / "low/both", "low"));
    ASSERT_TRUE(io::write_file(root_ / "low/only", "low"));
    ASSERT_TRUE(io::write_file(root_ / "high/both", "high"));
    ASSERT_EQ(::chown((root_ / "low/only").c_str(), 7, 8), 0);
  }
  void TearDown() override {
    if (root_.empty()) return;
    EXPECT_TRUE(unmount_below(root_));
    EXPECT_TRUE(io::remove_tree(root_));
  }
  Overlay overlay(const io::Fd& users, const char* target = "target") const {
    return {.layers = {root_ / "low", root_ / "high"},
            .user_namespace = &users,
            .upper = root_ / "upper",
            .work = root_ / "work",
            .target = root_ / target,
            .staging = root_ / "staging"};
  }
  std::pair<unsigned, unsigned> owner(const fs::path& path) const {
    struct stat about{};
    EXPECT_EQ(::lstat(path.c_str(), &about), 0) << path;
    return {about.st_uid, about.st_gid};
  }
  fs::path root_;
};

TEST_F(MountTest, LayersAreSharedUnderEachRangesOwnIds) {
  const auto first = make_user_namespace({500000, 65536});
  const auto second = make_user_namespace({900000, 65536});
  ASSERT_TRUE(first) << first.error().message;
  ASSERT_TRUE(second);
  ASSERT_TRUE(mount_overlay(overlay(*first)));
  EXPECT_EQ(owner(root_ / "target/only"), std::pair(500007u, 500008u));
  EXPECT_EQ(owner(root_ / "target/both"), std::pair(500000u, 500000u));
  EXPECT_EQ(io::read_file(root_ / "target/both").value(), "high");

  Overlay other = overlay(*second, "other");
  other.upper = root_ / "upper2";
  other.work = root_ / "work2";
  for (const auto& folder : {other.upper, other.work, other.target}) fs::create_directory(folder);
  ASSERT_TRUE(mount_overlay(other));
  EXPECT_EQ(owner(root_ / "other/only"), std::pair(900007u, 900008u));
  // What one writes neither changes the layer nor shows in the other.
  ASSERT_TRUE(io::write_file(root_ / "other/both", "changed"));
  EXPECT_EQ(io::read_file(root_ / "target/both").value(), "high");
  EXPECT_EQ(io::read_file(root_ / "high/both").value(), "high");
}

TEST_F(MountTest, LayersCanBeAttachedAsOlderKernelsNeedIt) {
  const auto users = make_user_namespace({500000, 65536});
  ASSERT_TRUE(users);
  Overlay old = overlay(*users);
  // Paths with the separators of mount options.
  old.upper = root_ / "up,per:1";
  fs::create_directory(old.upper);
  old.attach_layers = true;
  const auto mounted = mount_overlay(old);
  ASSERT_TRUE(mounted) << mounted.error().message;
  EXPECT_EQ(owner(root_ / "target/only"), std::pair(500007u, 500008u));
  EXPECT_EQ(io::read_file(root_ / "target/both").value(), "high");
  EXPECT_EQ(mounts_below(root_).size(), 1u) << "no layer may stay attached";
  EXPECT_FALSE(fs::exists(root_ / "staging"));
}

TEST_F(MountTest, ClonesOfFilesAndReadOnlyOnes) {
  const auto users = make_user_namespace({500000, 65536});
  ASSERT_TRUE(users);
  const auto clone = clone_mount(root_ / "low/only", &*users, true);
  ASSERT_TRUE(clone) << clone.error().message;
  ASSERT_TRUE(attach_mount(*clone, root_ / "file"));
  EXPECT_EQ(owner(root_ / "file"), std::pair(500007u, 500008u));
  EXPECT_EQ(::access((root_ / "file").c_str(), W_OK), -1);
  EXPECT_EQ(clone_mount(root_ / "absent", nullptr, false).error().code, "errno-ENOENT");
}

TEST_F(MountTest, SysfsShowsTheNamespacesInterfaces) {
  // A namespace lives while a thread is in it.
  std::promise<std::string> path;
  std::promise<void> done;
  std::thread inside([&] {
    EXPECT_EQ(::unshare(CLONE_NEWNET), 0);
    path.set_value(fmt::format("/proc/self/task/{}/ns/net", ::gettid()));
    done.get_future().wait();
  });
  const auto mounted = mount_sysfs(path.get_future().get(), root_ / "sys");
  EXPECT_TRUE(mounted) << mounted.error().message;
  done.set_value();
  inside.join();
  std::vector<std::string> interfaces;
  for (const auto& entry : fs::directory_iterator(root_ / "sys/class/net")) {
    interfaces.push_back(entry.path().filename());
  }
  EXPECT_EQ(interfaces, std::vector<std::string>{"lo"});
  EXPECT_TRUE(unmount_below(root_));
  EXPECT_FALSE(fs::exists(root_ / "sys/class"));
  EXPECT_TRUE(unmount_below(root_));
}

}  // namespace
}  // namespace landfall::host
