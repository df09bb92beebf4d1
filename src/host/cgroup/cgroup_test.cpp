#include "host/cgroup/cgroup.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/files.h"

namespace landfall::host {
namespace {

std::string unique_path() { return fmt::format("landfall-test-{}", ::getpid()); }

class CgroupsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    auto found = Cgroups::detect();
    ASSERT_TRUE(found) << found.error().message;
    groups_ = *found;
  }
  void TearDown() override {
    if (!groups_) return;
    groups_->kill(unique_path());
    EXPECT_TRUE(groups_->remove(unique_path()));
  }
  // A child that waits; it is in no group of ours yet.
  int start_sleeper() {
    const int pid = ::fork();
    if (pid == 0) {
      for (;;) ::pause();
    }
    return pid;
  }
  std::optional<Cgroups> groups_;
};

TEST_F(CgroupsTest, LimitsAreReadBackAsUsageSeesThem) {
  const std::string path = unique_path() + "/task";
  ASSERT_TRUE(groups_->make(
      path,
      {.cpu_shares = 256, .cpu_quota_millicores = 250, .memory_bytes = 64 << 20, .pids = 20}));
  const auto usage = groups_->usage(path);
  ASSERT_TRUE(usage);
  EXPECT_EQ(usage->memory_limit_bytes, 64u << 20);
  EXPECT_EQ(usage->pids, 0u);
  // Changed and lifted again.
  ASSERT_TRUE(groups_->make(path, {.memory_bytes = 128 << 20}));
  EXPECT_EQ(groups_->usage(path)->memory_limit_bytes, 128u << 20);
  ASSERT_TRUE(groups_->make(path, {}));
  EXPECT_EQ(groups_->usage(path)->memory_limit_bytes, 0u);
}

TEST_F(CgroupsTest, KillEndsEveryProcessBelow) {
  const std::string path = unique_path() + "/task/one";
  ASSERT_TRUE(groups_->make(path, {}));
  const int pid = start_sleeper();
  ASSERT_TRUE(groups_->add_process(path, pid));
  EXPECT_EQ(groups_->processes(unique_path()), std::vector<int>{pid});
  EXPECT_EQ(groups_->remove(unique_path()).error().code, "cgroup-busy");
  ::kill(pid, SIGKILL);
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_TRUE(groups_->remove(unique_path()));
  EXPECT_FALSE(groups_->usage(path));
}

TEST_F(CgroupsTest, AbsentGroupsAreNoError) {
  EXPECT_TRUE(groups_->remove(unique_path() + "/never"));
  EXPECT_TRUE(groups_->processes(unique_path() + "/never").empty());
  EXPECT_EQ(groups_->oom_kills(unique_path() + "/never"), 0u);
}

TEST(CgroupsDetect, ReadsVersion1FromTheMounts) {
  char folder[] = "/tmp/cgroup-test-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const std::filesystem::path file = std::filesystem::path(folder) / "mountinfo";
  ASSERT_TRUE(io::write_file(
      file,
      "30 25 0:26 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
      "31 25 0:27 / /sys/fs/cgroup/memory rw,nosuid shared:3 - cgroup cgroup rw,memory\n"
      "32 25 0:28 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
      "33 25 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"));
  const auto found = Cgroups::detect(file);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_FALSE(found->unified());
  // Without controllers anywhere there is nothing to limit with.
  ASSERT_TRUE(io::write_file(file, "1 0 0:1 / / rw - ext4 /dev/x rw\n"));
  EXPECT_EQ(Cgroups::detect(file).error().code, "kernel-feature-missing");
  EXPECT_TRUE(io::remove_tree(folder));
}

}  // namespace
}  // namespace landfall::host
