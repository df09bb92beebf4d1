#include "host/hosts_file/hosts_file.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <thread>

#include "io/files.h"

namespace landfall::host {
namespace {

const HostNames kNames = {{"db.test", *Ipv4::parse("198.18.0.5")}};
constexpr std::string_view kBlock =
    "# landfall abc begin (written by landfall; changes here are lost)\n198.18.0.5 db.test\n# "
    "landfall abc end\n";

TEST(HostsFile, TheBlockComesAndGoes) {
  const std::string plain = "127.0.0.1 localhost\n";
  const std::string with = with_block(plain, "abc", kNames);
  EXPECT_EQ(with, plain + std::string(kBlock));
  EXPECT_EQ(with_block(with, "abc", kNames), with);
  EXPECT_EQ(with_block(with, "abc", {}), plain);
  EXPECT_EQ(with_block("", "abc", {}), "");
  EXPECT_EQ(with_block("no newline", "abc", kNames), "no newline\n" + std::string(kBlock));
}

TEST(HostsFile, OtherInstancesAndLinesStay) {
  const std::string other = with_block("a\n", "def", kNames) + "tail\n";
  EXPECT_EQ(with_block(with_block(other, "abc", kNames), "abc", {}), other);
}

TEST(HostsFile, ABlockWithoutEndLosesOnlyItsMark) {
  EXPECT_EQ(with_block("a\n# landfall abc begin\n10.0.0.1 mine\n", "abc", {}),
            "a\n10.0.0.1 mine\n");
}

class HostsFileOnDisk : public ::testing::Test {
 public:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "the lock is in /run: run as root";
    std::string pattern = "/tmp/landfall-hosts-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder = pattern;
    file = folder / "hosts";
  }
  void TearDown() override {
    if (!folder.empty()) std::filesystem::remove_all(folder);
  }
  std::filesystem::path folder, file;
};

TEST_F(HostsFileOnDisk, KeepsItsMode) {
  ASSERT_TRUE(io::write_file(file, "x\n", 0664));
  std::filesystem::permissions(file, std::filesystem::perms(0664));
  ASSERT_TRUE(update_hosts_file(file, "abc", kNames));
  EXPECT_EQ(*io::read_file(file), "x\n" + std::string(kBlock));
  EXPECT_EQ(unsigned(std::filesystem::status(file).permissions()), 0664u);
}

TEST_F(HostsFileOnDisk, ManyWritersLoseNothing) {
  ASSERT_TRUE(io::write_file(file, "x\n"));
  std::vector<std::thread> writers;
  for (int i = 0; i < 8; ++i) {
    writers.emplace_back([this, i] {
      const auto done = update_hosts_file(file, fmt::format("tag{}", i), kNames);
      EXPECT_TRUE(done) << done.error().message;
    });
  }
  for (auto& writer : writers) writer.join();
  const std::string text = *io::read_file(file);
  for (int i = 0; i < 8; ++i)
    EXPECT_NE(text.find(fmt::format("landfall tag{} begin", i)), std::string::npos);
}

TEST_F(HostsFileOnDisk, AMountPointIsWrittenInPlace) {
  const auto source = folder / "source";
  ASSERT_TRUE(
      io::write_file(source, "a long line that goes\n# landfall abc begin\n# landfall abc end\n"));
  ASSERT_TRUE(io::write_file(file, ""));
  ASSERT_EQ(::mount(source.c_str(), file.c_str(), nullptr, MS_BIND, nullptr), 0);
  EXPECT_TRUE(update_hosts_file(file, "abc", kNames));
  EXPECT_TRUE(update_hosts_file(file, "abc", {}));
  EXPECT_EQ(*io::read_file(source), "a long line that goes\n");
  ::umount(file.c_str());
}

}  // namespace
}  // namespace landfall::host
