#include "host/images/layer_unpack.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "host/images/layer_store.h"
#include "host/images/layer_test_archive.h"

namespace landfall::host {
namespace {
namespace fs = std::filesystem;

class UnpackTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    char name[] = "/tmp/unpack-test-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    root_ = name;
    fs::create_directory(root_ / "layer");
    ASSERT_TRUE(io::write_file(root_ / "outside", "untouched"));
  }
  void TearDown() override {
    if (root_.empty()) return;
    EXPECT_EQ(io::read_file(root_ / "outside").value(), "untouched");
    EXPECT_TRUE(io::remove_tree(root_));
  }
  Result<Digest> unpack(const std::string& bytes, UnpackLimits limits = {}) {
    EXPECT_TRUE(io::write_file(root_ / "archive", bytes));
    return unpack_layer(root_ / "archive", root_ / "layer", 0, limits);
  }
  struct stat about(const fs::path& path) const {
    struct stat out{};
    EXPECT_EQ(::lstat((root_ / "layer" / path).c_str(), &out), 0) << path;
    return out;
  }
  std::string content(const fs::path& path) const {
    return io::read_file(root_ / "layer" / path).value_or("(absent)");
  }
  std::string attribute(const fs::path& path, const char* name) const {
    char value[64];
    const ssize_t size = ::lgetxattr((root_ / "layer" / path).c_str(), name, value, sizeof value);
    return size < 0 ? "(absent)" : std::string(value, std::size_t(size));
  }
  fs::path root_;
};

TEST_F(UnpackTest, FilesFoldersLinksAndTheirMetadata) {
  TestArchive tar;
  tar.folder("./").folder("./bin/");
  tar.add({.name = "./bin/su", .content = "program", .mode = 04755, .uid = 0, .gid = 42});
  tar.add({.name = "bin/again", .link = "./bin/su", .hard = true});
  tar.link("usr", "bin").file("/usr/through", "link");
  tar.add({.name = "var/lib/data",
           .content = "x",
           .mode = 0600,
           .uid = 999,
           .gid = 999,
           .xattr = "user.note",
           .xattr_value = "kept"});
  tar.file("bin/su.old", "first").file("bin/su.old", "second");
  const std::string bytes = tar.finish();
  const auto digest = unpack(bytes);
  ASSERT_TRUE(digest) << digest.error().message;
  EXPECT_EQ(*digest, Digest::of(bytes));
  EXPECT_EQ(about("bin/su").st_mode & 07777, 04755u);
  EXPECT_EQ(about("bin/su").st_gid, 42u);
  EXPECT_EQ(about("bin/su").st_ino, about("bin/again").st_ino);
  EXPECT_EQ(about("bin").st_mtime, 1'000'000'000);
  EXPECT_EQ(content("bin/through"), "link");
  EXPECT_EQ(about("var/lib/data").st_uid, 999u);
  EXPECT_EQ(attribute("var/lib/data", "user.note"), "kept");
  EXPECT_EQ(content("bin/su.old"), "second");
}

TEST_F(UnpackTest, EveryCompression) {
  TestArchive tar;
  tar.file("f", std::string(300'000, 'x'));
  const std::string bytes = tar.finish();
  for (const auto filter : {archive_write_add_filter_gzip, archive_write_add_filter_zstd,
                            archive_write_add_filter_none}) {
    ASSERT_TRUE(io::remove_tree(root_ / "layer/f"));
    const auto digest = unpack(TestArchive::compressed(bytes, filter));
    ASSERT_TRUE(digest) << digest.error().message;
    EXPECT_EQ(*digest, Digest::of(bytes));
    EXPECT_EQ(content("f").size(), 300'000u);
  }
}

TEST_F(UnpackTest, WhiteoutsBecomeWhatOverlayUnderstands) {
  TestArchive tar;
  tar.folder("etc").file("etc/.wh.gone", "").file("opaque/.wh..wh..opq", "");
  tar.file("opaque/new", "n").file(".wh..wh.aufs", "").file(".wh.both", "").folder("both");
  tar.folder("later").file(".wh.later", "");
  ASSERT_TRUE(unpack(tar.finish()));
  EXPECT_TRUE(S_ISCHR(about("etc/gone").st_mode));
  EXPECT_EQ(about("etc/gone").st_rdev, makedev(0, 0));
  EXPECT_EQ(attribute("opaque", "trusted.overlay.opaque"), "y");
  EXPECT_EQ(content("opaque/new"), "n");
  EXPECT_FALSE(fs::exists(root_ / "layer/.wh..wh.aufs"));
  // Deleted and made again in one layer: nothing of the layers below shines through, in either
  // order.
  EXPECT_EQ(attribute("both", "trusted.overlay.opaque"), "y");
  EXPECT_EQ(attribute("later", "trusted.overlay.opaque"), "y");
}

TEST_F(UnpackTest, NoPathLeadsOut) {
  const std::string outside = (root_ / "outside").string();
  {
    TestArchive tar;
    tar.file("../outside", "evil");
    EXPECT_EQ(unpack(tar.finish()).error().code, "image-invalid");
  }
  {
    TestArchive tar;
    tar.file("a/../../outside", "evil");
    EXPECT_EQ(unpack(tar.finish()).error().code, "image-invalid");
  }
  {  // absolute and climbing links are followed inside only
    TestArchive tar;
    tar.link("up", "../..").link("abs", root_.string()).file("up/escaped", "inside");
    ASSERT_TRUE(unpack(tar.finish()));
    EXPECT_EQ(content("escaped"), "inside");
  }
  {  // a link in the place of the file that is written
    TestArchive tar;
    tar.link("target", outside).file("target", "evil");
    ASSERT_TRUE(unpack(tar.finish()));
    EXPECT_EQ(content("target"), "evil");
    EXPECT_TRUE(S_ISREG(about("target").st_mode));
  }
  {  // through a link to the real path outside: that path does not exist inside
    TestArchive tar;
    tar.link("abs2", root_.string()).file("abs2/outside", "evil");
    const auto done = unpack(tar.finish());
    EXPECT_FALSE(done);
  }
  {  // hard links to the outside
    TestArchive tar;
    tar.add({.name = "hard", .link = "../outside", .hard = true});
    EXPECT_EQ(unpack(tar.finish()).error().code, "image-invalid");
  }
  {
    TestArchive tar;
    tar.add({.name = "hard", .link = outside, .hard = true});
    EXPECT_EQ(unpack(tar.finish()).error().code, "image-invalid");
  }
  {  // a whiteout of the parent
    TestArchive tar;
    tar.file("a/.wh...", "");
    EXPECT_EQ(unpack(tar.finish()).error().code, "image-invalid");
  }
}

TEST_F(UnpackTest, DevicesAndDangerousAttributesAreLeftOut) {
  TestArchive tar;
  tar.add({.name = "dev/sda", .type = AE_IFBLK}).add({.name = "dev/mem", .type = AE_IFCHR});
  tar.add({.name = "fifo", .type = AE_IFIFO});
  tar.add({.name = "f", .content = "x", .xattr = "trusted.overlay.redirect", .xattr_value = "/"});
  ASSERT_TRUE(unpack(tar.finish()));
  EXPECT_FALSE(fs::exists(root_ / "layer/dev/sda"));
  EXPECT_FALSE(fs::exists(root_ / "layer/dev/mem"));
  EXPECT_TRUE(S_ISFIFO(about("fifo").st_mode));
  EXPECT_EQ(attribute("f", "trusted.overlay.redirect"), "(absent)");
}

TEST_F(UnpackTest, DamagedArchivesAndBombs) {
  TestArchive tar;
  tar.file("f", std::string(1'000'000, 'x'));
  const std::string bytes = tar.finish();
  const std::string packed = TestArchive::compressed(bytes, archive_write_add_filter_gzip);
  EXPECT_EQ(unpack(packed.substr(0, packed.size() / 2)).error().code, "image-invalid");
  EXPECT_EQ(unpack(bytes.substr(0, 5000)).error().code, "image-invalid");
  EXPECT_EQ(unpack("this is no archive at all").error().code, "image-invalid");
  EXPECT_EQ(unpack(packed, {.bytes = 100'000}).error().code, "image-invalid");
  TestArchive owner;
  owner.add({.name = "f", .uid = 70000});
  EXPECT_EQ(unpack(owner.finish()).error().code, "image-invalid");
}

class LayerStoreTest : public UnpackTest {
 protected:
  void run(task<void> body) { loop_.run(std::move(body)); }
  std::size_t entries() const {
    return std::size_t(std::distance(fs::directory_iterator(root_ / "layers"), {}));
  }
  io::Loop loop_;
};

task<void> ensure_twice(io::Loop& loop, LayerStore& store, Digest id, fs::path archive,
                        std::size_t& good) {
  io::TaskScope scope(loop);
  const auto one = [](LayerStore& from, Digest diff, fs::path bytes,
                      std::size_t& count) -> task<void> {
    if (co_await from.ensure(diff, bytes)) ++count;
  };
  for (int i = 0; i < 8; ++i) scope.spawn("ensure", one(store, id, archive, good));
  co_await scope.join();
}

TEST_F(LayerStoreTest, UnpacksOnceAndSweepsWhatNobodyUses) {
  TestArchive tar;
  tar.file("f", "content");
  const std::string bytes = tar.finish();
  ASSERT_TRUE(io::write_file(root_ / "archive", bytes));
  LayerStore store(loop_, root_ / "layers");
  ASSERT_TRUE(store.open());
  std::size_t good = 0;
  run(ensure_twice(loop_, store, Digest::of(bytes), root_ / "archive", good));
  EXPECT_EQ(good, 8u);
  EXPECT_EQ(entries(), 1u);
  const std::string name = store.name(Digest::of(bytes));
  EXPECT_EQ(io::read_file(store.path(name) / "f").value(), "content");

  const auto sweep = [](LayerStore& from, std::set<std::string> used,
                        std::size_t& gone) -> task<void> {
    auto done = co_await from.sweep(used);
    gone = done.value_or(99);
  };
  std::size_t gone = 9;
  run(sweep(store, {name}, gone));
  EXPECT_EQ(gone, 0u);
  run(sweep(store, {}, gone));
  EXPECT_EQ(gone, 1u);
  EXPECT_EQ(entries(), 0u);
}

TEST_F(LayerStoreTest, FailureAndCrashLeaveNothing) {
  TestArchive tar;
  tar.file("f", "content");
  const std::string bytes = tar.finish();
  ASSERT_TRUE(io::write_file(root_ / "archive", bytes));
  LayerStore store(loop_, root_ / "layers");
  ASSERT_TRUE(store.open());
  // As a crash leaves it.
  fs::create_directories(root_ / "layers/partial-x/deep");
  ASSERT_TRUE(store.open());
  EXPECT_EQ(entries(), 0u);
  std::string code;
  const auto wrong = [](LayerStore& from, fs::path archive, std::string& out) -> task<void> {
    auto done = co_await from.ensure(Digest::of("something else"), archive);
    if (!done) out = done.error().code;
  };
  run(wrong(store, root_ / "archive", code));
  EXPECT_EQ(code, "image-invalid");
  EXPECT_EQ(entries(), 0u);
}

TEST_F(LayerStoreTest, AFullDiskIsSaidAndLeavesNothing) {
  fs::create_directory(root_ / "layers");
  ASSERT_EQ(
      ::system(fmt::format("mount -t tmpfs -o size=256k tmpfs {}/layers", root_.string()).c_str()),
      0);
  TestArchive tar;
  tar.file("f", std::string(1'000'000, 'x'));
  const std::string bytes = tar.finish();
  ASSERT_TRUE(io::write_file(root_ / "archive", bytes));
  LayerStore store(loop_, root_ / "layers");
  ASSERT_TRUE(store.open());
  std::string code;
  const auto fill = [](LayerStore& from, Digest id, fs::path archive,
                       std::string& out) -> task<void> {
    auto done = co_await from.ensure(id, archive);
    out = done ? "done" : done.error().code;
  };
  run(fill(store, Digest::of(bytes), root_ / "archive", code));
  EXPECT_EQ(code, "disk-full");
  EXPECT_EQ(entries(), 0u);
  EXPECT_EQ(::system(fmt::format("umount {}/layers", root_.string()).c_str()), 0);
}

}  // namespace
}  // namespace landfall::host
