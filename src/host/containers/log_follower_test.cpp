#include "host/containers/log_follower.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace landfall::host {
namespace {
namespace fs = std::filesystem;

constexpr const char* kTime = "2026-11-21T10:11:38.103604540+00:00";
constexpr std::int64_t kTimeNs = 1'795'255'898'103'604'540;

std::string record(std::string_view stream, char tag, std::string_view text) {
  return fmt::format("{} {} {} {}\n", kTime, stream, tag, text);
}

std::vector<LogLine> parse(const std::string& text, std::size_t step) {
  LogLineParser parser(0);
  std::vector<LogLine> out;
  for (std::size_t at = 0; at < text.size(); at += step) {
    parser.feed(std::string_view(text).substr(at, step), out);
  }
  parser.finish(out);
  return out;
}

TEST(LogLineParser, LinesPiecesAndStreams) {
  const std::string text = record("stdout", 'F', "one") + record("stderr", 'F', "") +
                           record("stdout", 'P', "be") + record("stdout", 'P', "gi") +
                           record("stderr", 'F', "between") + record("stdout", 'F', "n");
  for (const std::size_t step : {std::size_t(1), std::size_t(7), text.size()}) {
    const auto lines = parse(text, step);
    ASSERT_EQ(lines.size(), 4u);
    EXPECT_EQ(lines[0].text, "one");
    EXPECT_EQ(lines[0].time_ns, kTimeNs);
    EXPECT_EQ(lines[1].text, "");
    EXPECT_TRUE(lines[1].error_stream);
    EXPECT_EQ(lines[2].text, "between");
    EXPECT_EQ(lines[3].text, "begin");
    EXPECT_FALSE(lines[3].error_stream);
    EXPECT_EQ(lines[3].next_offset, text.size());
    // Following from after "between" must find the line that had begun before it.
    EXPECT_EQ(lines[2].next_offset, lines[1].next_offset);
  }
}

TEST(LogLineParser, OffsetsAndLocalTimes) {
  const std::string text = "2026-11-21T12:11:38.5+02:00 stdout F a\n";
  const auto lines = parse(text, 5);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].time_ns, 1'795'255'898'500'000'000);
}

TEST(LogLineParser, LongLinesComeInPieces) {
  std::string text, whole;
  for (int i = 0; i < 100; ++i) {
    const std::string piece(8000, char('a' + i % 26));
    whole += piece;
    text += record("stdout", i == 99 ? 'F' : 'P', piece);
  }
  const auto lines = parse(text, 10'000);
  ASSERT_EQ(lines.size(), 4u);  // 800,000 bytes
  std::string joined;
  for (const LogLine& line : lines) {
    EXPECT_LE(line.text.size(), LogFollower::kLongestLine);
    joined += line.text;
  }
  EXPECT_EQ(joined, whole);
}

TEST(LogLineParser, DamageIsNoReasonToStop) {
  const auto lines =
      parse("no record at all\n" + std::string(100, '\0') + "\n" + "2026 stdout F x\n" +
                record("stdout", 'F', "good") + fmt::format("{} stdout P cut of", kTime),
            3);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0].text, "no record at all");
  EXPECT_EQ(lines[2].text, "good");
  EXPECT_EQ(lines[3].text, "cut of");
}

class LogFollowerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/log-test-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    folder_ = name;
    path_ = folder_ / "log";
  }
  void TearDown() override { EXPECT_TRUE(io::remove_tree(folder_)); }
  static void append(const fs::path& path, const std::string& text) {
    std::ofstream(path, std::ios::app | std::ios::binary) << text;
  }
  io::Loop loop_;
  fs::path folder_, path_;
};

task<void> collect(LogFollower& from, std::vector<std::string>& texts, std::uint64_t& offset) {
  for (;;) {
    auto lines = co_await from.next();
    EXPECT_TRUE(lines);
    if (!lines || lines->empty()) co_return;
    for (const LogLine& line : *lines) {
      texts.push_back(line.text);
      offset = line.next_offset;
    }
  }
}

task<void> until(io::Loop& loop, const std::vector<std::string>& texts, std::size_t count) {
  for (int i = 0; i < 2500 && texts.size() < count; ++i) co_await loop.sleep_for(Millis(1));
}

task<void> follow(io::Loop& loop, fs::path path, std::vector<std::string>& texts) {
  auto follower = LogFollower::open(loop, path);
  EXPECT_TRUE(follower);
  if (!follower) co_return;
  std::uint64_t offset = 0;
  io::TaskScope scope(loop);
  scope.spawn("follow", collect(*follower, texts, offset));
  co_await loop.yield();
  const auto append = [&](const std::string& text) {
    std::ofstream(path, std::ios::app | std::ios::binary) << text;
  };
  append(record("stdout", 'F', "one"));  // the file comes after the follower
  co_await until(loop, texts, 1);
  append(record("stdout", 'F', "two").substr(0, 20));
  co_await loop.yield();
  append(record("stdout", 'F', "two").substr(20) + record("stderr", 'F', "three"));
  co_await until(loop, texts, 3);
  // Replaced: what is left of the old file comes first.
  append(record("stdout", 'F', "old"));
  fs::rename(path, path.string() + ".1");
  append(record("stdout", 'F', "new"));
  co_await until(loop, texts, 5);
  append(record("stdout", 'P', "last"));
  follower->finish();
  co_await scope.join();
  EXPECT_GT(offset, 0u);
}

TEST_F(LogFollowerTest, FollowsAsItIsWritten) {
  std::vector<std::string> texts;
  loop_.run(follow(loop_, path_, texts));
  EXPECT_EQ(texts, (std::vector<std::string>{"one", "two", "three", "old", "new", "last"}));
}

task<void> resume(io::Loop& loop, fs::path path, std::vector<std::string>& texts,
                  std::uint64_t from, std::uint64_t& offset, bool discard) {
  auto follower = LogFollower::open(loop, path, from);
  EXPECT_TRUE(follower);
  follower->finish();
  co_await collect(*follower, texts, offset);
  if (discard) follower->discard_until(offset);
}

TEST_F(LogFollowerTest, ResumesWhereItWasAndGivesSpaceBack) {
  std::string text;
  for (int i = 0; i < 40'000; ++i) text += record("stdout", 'F', fmt::format("line {}", i));
  append(path_, text);
  std::vector<std::string> texts;
  std::uint64_t offset = 0;
  loop_.run(resume(loop_, path_, texts, 0, offset, true));
  EXPECT_EQ(texts.size(), 40'000u);
  EXPECT_EQ(offset, text.size());
  struct stat about{};
  ASSERT_EQ(::stat(path_.c_str(), &about), 0);
  EXPECT_EQ(std::uint64_t(about.st_size), text.size());
  EXPECT_LT(about.st_blocks * 512, 16 << 10);
  append(path_, record("stdout", 'F', "after"));
  texts.clear();
  loop_.run(resume(loop_, path_, texts, offset, offset, false));
  EXPECT_EQ(texts, std::vector<std::string>{"after"});
  // Whoever has lost the offset gets what is left.
  texts.clear();
  loop_.run(resume(loop_, path_, texts, 0, offset, false));
  ASSERT_FALSE(texts.empty());
  EXPECT_EQ(texts.back(), "after");
  EXPECT_LT(texts.size(), 200u);
}

TEST_F(LogFollowerTest, AnUnfollowedLogIsBounded) {
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += record("stdout", 'F', fmt::format("line {}", i));
  append(path_, text);
  const auto blocks = [&] {
    struct stat about{};
    EXPECT_EQ(::stat(path_.c_str(), &about), 0);
    return about.st_blocks;
  };
  const auto before = blocks();
  trim_log(path_, 1 << 20, 64 << 10);
  EXPECT_EQ(blocks(), before) << "below the bound";
  trim_log(path_, 128 << 10, 64 << 10);
  EXPECT_LE(blocks() * 512, (64 + 8) << 10);
  std::vector<std::string> texts;
  std::uint64_t offset = 0;
  loop_.run(resume(loop_, path_, texts, 0, offset, false));
  ASSERT_FALSE(texts.empty());
  EXPECT_EQ(texts.back(), "line 9999");
}

TEST_F(LogFollowerTest, AShorterFileBeginsAnew) {
  append(path_, record("stdout", 'F', "fresh"));
  std::vector<std::string> texts;
  std::uint64_t offset = 0;
  loop_.run(resume(loop_, path_, texts, 100'000, offset, false));
  EXPECT_EQ(texts, std::vector<std::string>{"fresh"});
}

}  // namespace
}  // namespace landfall::host
