#include <gtest/gtest.h>
#include <sys/stat.h>

#include "cli/data_folder.h"
#include "cli/options.h"
#include "cli/preflight.h"
#include "io/files.h"
#include "store/testing.h"

namespace landfall::cli {
namespace {

const std::vector<Option> kKnown = {kDataDir, {"--help", "", "", "this text"}};

TEST(Options, ValuesFlagsAndWords) {
  auto parsed = parse(kKnown, {"a", "--data-dir=/x y", "--help", "b"}, 2);
  ASSERT_TRUE(parsed);
  EXPECT_EQ((*parsed)["--data-dir"], "/x y");
  EXPECT_TRUE(parsed->flag("--help"));
  EXPECT_EQ(parsed->words, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ((*parse(kKnown, {}))["--data-dir"], "/var/lib/landfall");
}

TEST(Options, MistakesAreNamed) {
  EXPECT_EQ(parse(kKnown, {"--nothing"}).error().message, "unknown option --nothing");
  EXPECT_EQ(parse(kKnown, {"--data-dir"}).error().message,
            "--data-dir needs a value: --data-dir DIR");
  EXPECT_EQ(parse(kKnown, {"--data-dir="}).error().message, "the value of --data-dir is empty");
  EXPECT_EQ(parse(kKnown, {"-x"}).error().message, "unknown option -x");
  EXPECT_EQ(parse(kKnown, {"extra"}).error().message, "unexpected word 'extra'");
  EXPECT_TRUE(parse(kKnown, {"-h"})->flag("--help"));
  EXPECT_EQ(parse(kKnown, {"--help=yes"}).error().message, "--help takes no value");
}

TEST(Endpoint, NumbersAndBrackets) {
  EXPECT_EQ(parse_endpoint("127.0.0.1:4566")->port, 4566);
  EXPECT_EQ(parse_endpoint("[::1]:80")->address, "::1");
  for (const char* bad : {"", ":80", "4566", "127.0.0.1:", "127.0.0.1:99999", "127.0.0.1:8x"}) {
    EXPECT_EQ(parse_endpoint(bad).error().code, "usage") << bad;
  }
}

TEST(DataFolder, KeepsTheRootKeyPrivate) {
  store::TemporaryFolder folder;
  EXPECT_NE(read_root_key(folder.path()).error().message.find("has `landfall serve"),
            std::string::npos);
  ASSERT_TRUE(write_root_key(folder.path(), {"AKIA", "secret"}));
  EXPECT_EQ(read_root_key(folder.path())->secret, "secret");
  struct stat info{};
  ASSERT_EQ(stat((folder.path() / "credentials").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST(Preflight, SaysWhatInstallsAProgram) {
  store::TemporaryFolder folder;
  std::filesystem::create_directories(folder.path() / "self/ns");
  for (const char* kind : {"net", "user"}) {
    ASSERT_TRUE(io::write_file(folder.path() / "self/ns" / kind, ""));
  }
  ASSERT_TRUE(io::write_file(folder.path() / "filesystems", "nodev\toverlay\n"));
  const auto missing = missing_requirements("/nowhere", folder.path());
  EXPECT_EQ(std::ranges::count(missing, "the kernel lacks process namespaces (CONFIG_PID_NS)"), 1);
}

}  // namespace
}  // namespace landfall::cli
