// Which tasks get at which folder of a file system.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/ecs/testing.h"
#include "services/efs/service.h"
#include "wire/efs/operations.h"

namespace landfall::efs {
namespace {

using testing::HasSubstr;

class Mount : public testing::Test {
protected:
  store::TestStore test;
  SeededRandom random{3};
  ecs::FakeEc2 ec2;
  Efs efs{test.loop, *test.store, test.clock,
          random,    ec2,         test.folder.path() / "efs"};
  RequestContext ctx;
  std::string id;
  std::string target;

  Mount() { ctx.scope = {"123456789012", "us-west-1"}; }

  void run(std::function<task<void>()> body) {
    test.loop.run(whole(std::move(body)));
  }
  task<void> whole(std::function<task<void>()> body) {
    auto made =
        co_await create_file_system(efs, ctx, {.creation_token = "one"});
    EXPECT_TRUE(made) << (made ? "" : made.error().message);
    id = made->file_system_id;
    auto placed = co_await create_mount_target(
        efs, ctx, {.file_system_id = id, .subnet_id = "subnet-a"});
    EXPECT_TRUE(placed) << (placed ? "" : placed.error().message);
    target = placed->mount_target_id;
    // The client: an interface in the same zone.
    (void)co_await ec2.allocate_interface(
        {.scope = ctx.scope, .owner = "task", .subnet_id = "subnet-a"});
    ec2.interfaces["task"].vpc_id = "vpc-1";
    ec2.interfaces["task"].availability_zone = "a";
    co_await body();
  }
  Result<io::Fd> mount(std::string root = "", std::string point = "") {
    return efs.mount({.scope = ctx.scope,
                      .file_system = id,
                      .root_directory = std::move(root),
                      .access_point = std::move(point),
                      .interface_id = ec2.interfaces["task"].id});
  }
  std::string refusal(std::string root = "", std::string point = "") {
    auto mounted = mount(std::move(root), std::move(point));
    return mounted ? "it was mounted" : mounted.error().message;
  }
  std::filesystem::path folder() const { return efs.folder_of(ctx.scope, id); }
};

TEST_F(Mount, TheFolderIsTheFileSystems) {
  run([this]() -> task<void> {
    EXPECT_TRUE(io::write_file(folder() / "file", "shared"));
    auto mounted = mount();
    EXPECT_TRUE(mounted) << (mounted ? "" : mounted.error().message);
    if (!mounted)
      co_return;
    EXPECT_EQ(
        io::read_file(fmt::format("/proc/self/fd/{}/file", mounted->get()))
            .value_or(""),
        "shared");
    EXPECT_TRUE(io::make_directories(folder() / "a" / "b"));
    EXPECT_TRUE(mount("/a/b"));
    EXPECT_THAT(refusal("/a/c"), HasSubstr("No such file or directory"));
  });
}

TEST_F(Mount, NoLinkLeadsOut) {
  run([this]() -> task<void> {
    EXPECT_EQ(::symlink("/etc", (folder() / "out").c_str()), 0);
    EXPECT_THAT(refusal("/out"), HasSubstr("failed"));
    EXPECT_THAT(refusal("/../.."), HasSubstr("access denied"));
    co_return;
  });
}

TEST_F(Mount, WithoutAMountTargetInTheZoneTheNameMeansNothing) {
  run([this]() -> task<void> {
    ec2.interfaces["task"].availability_zone = "b";
    EXPECT_THAT(refusal(), HasSubstr("Failed to resolve \"" + id +
                                     ".efs.us-west-1.amazonaws.com\""));
    ec2.interfaces["task"].availability_zone = "a";
    ec2.interfaces["task"].vpc_id = "vpc-2";
    EXPECT_THAT(refusal(), HasSubstr("Failed to resolve"));
    ec2.interfaces["task"].vpc_id = "vpc-1";
    EXPECT_TRUE(
        co_await delete_mount_target(efs, ctx, {.mount_target_id = target}));
    EXPECT_THAT(refusal(), HasSubstr("Failed to resolve"));
  });
}

TEST_F(Mount, SecurityGroupsDecide) {
  run([this]() -> task<void> {
    ec2.reachable = {.allowed = false,
                     .why = "no rule of sg-1 lets tcp 2049 in"};
    EXPECT_EQ(refusal(), "stderr: b'mount.nfs4: Connection timed out' (no rule "
                         "of sg-1 lets tcp 2049 in) : "
                         "unsuccessful EFS utils command execution; code: 32");
    co_return;
  });
}

TEST_F(Mount, AnAccessPointMakesItsRoot) {
  run([this]() -> task<void> {
    CreateAccessPointRequest in{.client_token = "t", .file_system_id = id};
    in.root_directory =
        RootDirectory{"/web/data", CreationInfo{1000, 1001, "750"}};
    auto point = co_await create_access_point(efs, ctx, in);
    EXPECT_TRUE(point) << (point ? "" : point.error().message);
    if (!point)
      co_return;
    EXPECT_TRUE(mount("", *point->access_point_id));
    struct stat made{};
    EXPECT_EQ(::stat((folder() / "web/data").c_str(), &made), 0);
    EXPECT_EQ(made.st_mode & 07777u, 0750u);
    if (::geteuid() == 0) {
      EXPECT_EQ(made.st_uid, 1000u);
      EXPECT_EQ(made.st_gid, 1001u);
    }
    // Without creation info a missing root is an error.
    in.client_token = "u";
    in.root_directory = RootDirectory{"/missing", {}};
    auto bare = co_await create_access_point(efs, ctx, in);
    EXPECT_THAT(refusal("", *bare->access_point_id),
                HasSubstr("No such file or directory"));
    EXPECT_THAT(refusal("", "fsap-none"), HasSubstr("access denied by server"));
    in.posix_user = PosixUser{.uid = 0, .gid = 0};
    auto refused = co_await create_access_point(efs, ctx, in);
    EXPECT_FALSE(refused);
  });
}

TEST_F(Mount, WhatACrashCutOffIsFinished) {
  run([this]() -> task<void> {
    // A mount target without its interface, one that was to go, a folder whose
    // record is gone.
    const auto table = efs.mount_targets(ctx.scope);
    (void)co_await efs.store.commit(
        {{},
         {table.put("fsmt-1",
                    {.id = "fsmt-1", .file_system = id, .subnet = "subnet-b"}),
          table.put("fsmt-2",
                    {.id = "fsmt-2", .file_system = id, .deleting = true})}});
    const auto stray = folder().parent_path() / "fs-stray";
    EXPECT_TRUE(io::make_directories(stray));
    EXPECT_TRUE(co_await efs.recover());
    EXPECT_EQ(describe(ctx.scope, table.get("fsmt-1")->value).life_cycle_state,
              "available");
    EXPECT_FALSE(table.get("fsmt-2"));
    EXPECT_FALSE(std::filesystem::exists(stray));
    EXPECT_TRUE(std::filesystem::exists(folder()));
  });
}

TEST_F(Mount, AFileSystemInUseStays) {
  run([this]() -> task<void> {
    auto refused =
        co_await delete_file_system(efs, ctx, {.file_system_id = id});
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "FileSystemInUse");
    EXPECT_TRUE(
        co_await delete_mount_target(efs, ctx, {.mount_target_id = target}));
    EXPECT_TRUE(co_await delete_file_system(efs, ctx, {.file_system_id = id}));
    EXPECT_FALSE(std::filesystem::exists(folder()));
    auto again =
        co_await create_file_system(efs, ctx, {.creation_token = "one"});
    EXPECT_TRUE(again) << "its token is free again";
  });
}

} // namespace
} // namespace landfall::efs
