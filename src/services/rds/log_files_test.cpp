#include "services/rds/log_files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "io/files.h"

namespace landfall::rds {
namespace {

class LogFiles : public testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/landfall-rds-logs-XXXXXX";
    ASSERT_TRUE(::mkdtemp(folder));
    folder_ = folder;
  }
  void TearDown() override { ASSERT_TRUE(io::remove_tree(folder_)); }
  std::filesystem::path write(const std::string& name, const std::string& text) {
    EXPECT_TRUE(io::write_file(folder_ / name, text));
    return folder_ / name;
  }
  std::filesystem::path folder_;
};

TEST_F(LogFiles, ListsOnlyLogsInTheOrderOfTime) {
  write("postgresql.log.2026-11-21-15", "b");
  write("postgresql.log.2026-11-21-09", "aa");
  for (const char* other : {"postgresql.log.2026-13-21-15", "postgresql.log.2026-11-21-15x", "x"})
    write(other, "");
  const auto found = list_log_files(folder_);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].name, "postgresql.log.2026-11-21-09");
  EXPECT_EQ(found[0].size_bytes, 2u);
  EXPECT_EQ(*log_file_hour(found[1].name), *log_file_hour(found[0].name) + 6);
  EXPECT_EQ(*log_file_hour("postgresql.log.1970-01-02-03"), 27);
}

TEST_F(LogFiles, PortionsGiveEachLineOnce) {
  std::string whole;
  for (int line = 0; line < 100; ++line) whole += fmt::format("line {}\n", line);
  const auto file = write("postgresql.log.2026-11-21-15", whole);
  std::string joined;
  std::uint64_t offset = 0;
  for (int count = 0; count < 100; ++count) {
    const auto portion = read_log_portion(file, offset, 7);
    ASSERT_TRUE(portion);
    joined += portion->text;
    offset = portion->next_offset;
    if (!portion->more) break;
  }
  EXPECT_EQ(joined, whole);
}

TEST_F(LogFiles, TheEndComesFirstWithoutAnOffset) {
  const auto file = write("postgresql.log.2026-11-21-15", "a\nb\nc\n");
  EXPECT_EQ(read_log_portion(file, {}, 2)->text, "b\nc\n");
  EXPECT_EQ(read_log_portion(file, {}, 9)->text, "a\nb\nc\n");
  EXPECT_EQ(read_log_portion(file, {}, 2)->next_offset, 6u);
  const auto open_ended = write("postgresql.log.2026-11-21-16", "a\nb\nhalf");
  EXPECT_EQ(read_log_portion(open_ended, {}, 2)->text, "b\nhalf");
  EXPECT_EQ(read_log_portion(open_ended, 99, 2)->text, "");
  EXPECT_FALSE(read_log_portion(folder_ / "none", 0, 2));
}

TEST_F(LogFiles, APortionIsAtMostAMebibyte) {
  std::string whole;
  while (whole.size() < kMostPortionBytes + 5000) whole += std::string(999, 'x') + "\n";
  const auto file = write("postgresql.log.2026-11-21-15", whole);
  const auto portion = read_log_portion(file, 0, kMostPortionLines);
  EXPECT_TRUE(portion->more);
  EXPECT_LE(portion->text.size(), kMostPortionBytes);
  EXPECT_EQ(portion->text.back(), '\n');
}

}  // namespace
}  // namespace landfall::rds
