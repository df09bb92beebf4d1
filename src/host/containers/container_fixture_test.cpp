#include "host/containers/container_fixture.h"

#include <sys/stat.h>
#include <unistd.h>

#include "host/containers/log_follower.h"

namespace landfall::host {
namespace fs = std::filesystem;

fs::path ContainerFixture::program_;

void ContainerFixture::SetUpTestSuite() {
  char folder[] = "/tmp/container-program-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const std::string source = LANDFALL_SOURCE_DIR "/src/host/containers/testdata/probe.c";
  program_ = fs::path(folder) / "probe";
  ASSERT_EQ(::system(fmt::format("clang-19 -static -O1 -w -o {} {}", program_.string(), source).c_str()),
            0);
}

void ContainerFixture::TearDownTestSuite() { EXPECT_TRUE(io::remove_tree(program_.parent_path())); }

void ContainerFixture::SetUp() {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  char folder[] = "/tmp/containers-test-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  instance_ = instance_for(folder).value();
  root_ = instance_.data_dir / "root";
  for (const char* name : {"bin", "etc", "tmp", "data"}) fs::create_directories(root_ / name);
  fs::copy_file(program_, root_ / "bin/probe");
  ::chmod((root_ / "bin/probe").c_str(), 0755);
  ::chmod((root_ / "tmp").c_str(), 01777);
  ASSERT_TRUE(io::write_file(root_ / "etc/passwd",
                             "root:x:0:0:root:/root:/bin/sh\napp:x:999:998::/home/app:/bin/sh\n"));
  ASSERT_TRUE(io::write_file(root_ / "etc/group", "root:x:0:\nlogs:x:50:app\n"));
}

void ContainerFixture::TearDown() {
  if (instance_.tag.empty()) return;
  const auto cgroups = Cgroups::detect();
  ASSERT_TRUE(cgroups);
  const auto removed = remove_leftovers(instance_, *cgroups, {});
  EXPECT_TRUE(removed) << removed.error().message;
  const Leftovers left = observe_containers(instance_, *cgroups);
  EXPECT_TRUE(left.containers.empty());
  EXPECT_EQ(left.mounts, 0u);
  EXPECT_EQ(left.processes, 0u);
  EXPECT_TRUE(io::remove_tree(instance_.data_dir));
}

namespace {
task<void> run_open(LocalContainers& containers, std::function<task<void>(LocalContainers&)> body) {
  const auto opened = co_await containers.open();
  EXPECT_TRUE(opened) << opened.error().message;
  if (opened) co_await body(containers);
  co_await containers.close();
}
}  // namespace

void ContainerFixture::run(std::function<task<void>(LocalContainers&)> body) {
  LocalContainers containers(loop_, clock_, instance_, nullptr);
  loop_.run(run_open(containers, std::move(body)));
}

ContainerSpec ContainerFixture::spec(const std::string& id, std::vector<std::string> words) const {
  ContainerSpec out;
  out.id = id;
  out.group = "group-" + id;
  out.base_folders = {root_};
  words.insert(words.begin(), "probe");
  out.entry_point = std::move(words);
  return out;
}

std::string ContainerFixture::log_of(const std::string& id) const {
  const auto text = io::read_file(instance_.data_dir / "containers" / id / "log");
  if (!text) return "(no log)";
  LogLineParser parser(0);
  std::vector<LogLine> lines;
  parser.feed(*text, lines);
  parser.finish(lines);
  std::string out;
  for (const LogLine& line : lines) out += line.text + "\n";
  return out;
}

}  // namespace landfall::host
