#include "host/volumes/volumes.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "host/volumes/encryption.h"
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

TEST(Volumes, WhatIsEncryptedCannotBeReadInTheImage) {
  with_volumes([](io::Loop&, Volumes& volumes, std::filesystem::path root) -> task<void> {
    const std::string key(kVolumeKeyBytes, 'k'), secret = "a secret that nobody may read";
    if (auto can = co_await volumes.probe_encryption(); !can) {
      ADD_FAILURE() << can.error().message;
      co_return;
    }
    EXPECT_TRUE(co_await volumes.create("a", 32 * kMiB, {.encrypted = true}));
    auto folder = co_await volumes.mount_encrypted("a", key);
    EXPECT_TRUE(folder) << folder.error().message;
    if (!folder) co_return;
    EXPECT_TRUE(io::write_file(*folder / "hidden-name", secret + std::string(100'000, 'x')));
    EXPECT_TRUE(io::write_file(folder->parent_path() / "open", "this is no secret"));
    EXPECT_TRUE(co_await volumes.snapshot("a", "s"));
    EXPECT_TRUE(co_await volumes.unmount("a"));
    for (const char* image : {"volumes/a.img", "snapshots/s.img"}) {
      const auto bytes = io::read_file(root / image, 64 * kMiB);
      EXPECT_EQ(bytes->find(secret), std::string::npos) << image;
      EXPECT_EQ(bytes->find("hidden-name"), std::string::npos) << image;
      EXPECT_NE(bytes->find("this is no secret"), std::string::npos) << image;
    }
    EXPECT_TRUE(co_await volumes.mount("a"));
    EXPECT_TRUE(volumes.mounted("a"));
    EXPECT_FALSE(volumes.unlocked("a"));
    EXPECT_EQ(
        (co_await volumes.mount_encrypted("a", std::string(kVolumeKeyBytes, 'x'))).error().code,
        "wrong-key");
    EXPECT_TRUE(co_await volumes.mount_encrypted("a", key));
    EXPECT_TRUE(volumes.unlocked("a"));
    EXPECT_TRUE(co_await volumes.create_from_snapshot("b", "s", 64 * kMiB));
    auto copy = co_await volumes.mount_encrypted("b", key);
    EXPECT_TRUE(io::read_file(*copy / "hidden-name")->starts_with(secret));
    EXPECT_TRUE(co_await volumes.create("plain", 32 * kMiB));
    EXPECT_FALSE(co_await volumes.mount_encrypted("plain", key));
    EXPECT_FALSE(volumes.unlocked("plain"));
  });
}

TEST(Volumes, ASnapshotIsCopiedUnderAnotherKey) {
  with_volumes([](io::Loop& loop, Volumes& volumes, std::filesystem::path root) -> task<void> {
    const std::string first(kVolumeKeyBytes, '1'), second(kVolumeKeyBytes, '2');
    const std::string secret = "a secret that nobody may read" + std::string(100'000, 'x');
    EXPECT_TRUE(co_await volumes.create("plain", 32 * kMiB));
    auto folder = co_await volumes.mount("plain");
    EXPECT_TRUE(io::make_directories(*folder / "sub"));
    EXPECT_TRUE(io::write_file(*folder / "sub/hidden-name", secret, 0640));
    EXPECT_TRUE(co_await volumes.snapshot("plain", "s0"));
    const auto traffic = volumes.traffic("plain");
    EXPECT_TRUE(traffic && traffic->writes > 0 && traffic->written_bytes >= secret.size());
    EXPECT_EQ(volumes.traffic("none").error().code, "not-mounted");
    EXPECT_TRUE(co_await volumes.copy_snapshot("s0", "s1"));
    EXPECT_EQ((co_await volumes.encrypt_snapshot("none", "", "s2", first)).error().code,
              "not-found");
    // As a crash leaves it: mounted, and half a copy beside it.
    EXPECT_TRUE(io::make_directories(root / "copies/s2/to"));
    EXPECT_TRUE(io::write_file(root / "copies/s2.img", "half"));
    Volumes again(loop, root);
    EXPECT_TRUE(co_await again.recover());
    EXPECT_FALSE(std::filesystem::exists(root / "copies/s2"));
    EXPECT_TRUE(co_await volumes.encrypt_snapshot("s1", "", "s2", first));
    EXPECT_TRUE(co_await volumes.encrypt_snapshot("s2", first, "s3", second));
    EXPECT_FALSE(co_await volumes.encrypt_snapshot("s2", second, "s4", second));
    EXPECT_EQ(volumes.list_snapshots(), (std::vector<std::string>{"s0", "s1", "s2", "s3"}));
    EXPECT_TRUE(std::filesystem::is_empty(root / "copies"));
    for (const char* image : {"snapshots/s2.img", "snapshots/s3.img"}) {
      const auto bytes = io::read_file(root / image, 64 * kMiB);
      EXPECT_EQ(bytes->find("a secret"), std::string::npos) << image;
      EXPECT_EQ(bytes->find("hidden-name"), std::string::npos) << image;
    }
    EXPECT_TRUE(co_await volumes.create_from_snapshot("back", "s3", 32 * kMiB));
    EXPECT_FALSE(co_await volumes.mount_encrypted("back", first));
    auto back = co_await volumes.mount_encrypted("back", second);
    EXPECT_TRUE(back) << back.error().message;
    if (!back) co_return;
    EXPECT_EQ(io::read_file(*back / "sub/hidden-name"), secret);
    EXPECT_FALSE(std::filesystem::exists(*back / "lost+found"));
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
