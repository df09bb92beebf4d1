// What the mount helper of amazon-efs-utils does, as far as it can be seen: which mount target, may
// packets reach it, which folder.
// https://docs.aws.amazon.com/efs/latest/ug/how-mount-helper-works.html
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ranges>

#include "services/efs/service.h"

namespace landfall::efs {
namespace {

// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/resource-initialization-error.html
std::unexpected<Error> failed(std::string_view said, int code) {
  return fail("mount-failed", fmt::format("stderr: {} : unsuccessful EFS utils command execution; "
                                          "code: {}",
                                          said, code));
}

io::Fd open_folder(int parent, const std::string& name) {
  return io::Fd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

// Step by step, never through a link: whoever writes to the file system could aim it elsewhere.
Result<io::Fd> walk(io::Fd at, std::string_view path, const std::optional<Creation>& creation) {
  for (const auto part : std::views::split(path, '/')) {
    const std::string name{std::string_view(part)};
    if (name.empty() || name == ".") continue;
    if (name == "..") return failed("mount.nfs4: access denied by server", 32);
    io::Fd next = open_folder(at.get(), name);
    if (!next && errno == ENOENT && creation) {
      const auto mode = static_cast<mode_t>(
          std::stoul(creation->permissions.empty() ? "755" : creation->permissions, nullptr, 8));
      if (::mkdirat(at.get(), name.c_str(), 0700) < 0 && errno != EEXIST)
        return fail_errno("make " + std::string(path), errno);
      next = open_folder(at.get(), name);
      if (next && (::fchown(next.get(), static_cast<uid_t>(creation->uid),
                            static_cast<gid_t>(creation->gid)) < 0 ||
                   ::fchmod(next.get(), mode) < 0))
        return fail_errno("make " + std::string(path), errno);
    }
    if (!next)
      return failed(
          fmt::format("mount.nfs4: mounting 127.0.0.1:{} failed, reason given by server: "
                      "{}",
                      path, errno == ENOENT ? "No such file or directory" : "Not a directory"),
          32);
    at = std::move(next);
  }
  return at;
}

}  // namespace

Result<io::Fd> Efs::mount(const MountRequest& request) {
  const Scope& scope = request.scope;
  const std::string name =
      fmt::format("{}.efs.{}.amazonaws.com", request.file_system, scope.region);
  const auto interface = ec2.find_interface(scope, request.interface_id);
  if (!interface) return failed("the network interface is gone", 1);
  // The name of a file system means the mount target of the client's own zone.
  std::optional<MountTargetRecord> target;
  for (auto& row : targets_of(scope, request.file_system)) {
    if (row.value.vpc == interface->vpc_id && !row.value.deleting &&
        !row.value.interface_id.empty() &&
        row.value.availability_zone == interface->availability_zone)
      target = std::move(row.value);
  }
  if (!file_systems(scope).get(request.file_system) || !target)
    return failed(
        fmt::format("Failed to resolve \"{}\" - check that your file system ID is correct, and "
                    "ensure that the VPC has an EFS mount target for this file system ID in {}. "
                    "See https://docs.aws.amazon.com/console/efs/mount-dns-name for more detail.",
                    name, interface->availability_zone),
        1);
  ec2::Peer client, server;
  client.interface_id = interface->id;
  client.address = interface->private_address;
  server.interface_id = target->interface_id;
  if (const auto address = Ipv4::parse(target->address)) server.address = *address;
  if (const auto path = ec2.reachability(scope, client, server, "tcp", kNfsPort); !path.allowed)
    return failed(fmt::format("b'mount.nfs4: Connection timed out' ({})", path.why), 32);

  std::string root = request.root_directory.empty() ? "/" : request.root_directory;
  std::optional<Creation> creation;
  if (!request.access_point.empty()) {
    const auto point = access_points(scope).get(request.access_point);
    if (!point || point->value.file_system != request.file_system)
      return failed("b'mount.nfs4: access denied by server while mounting 127.0.0.1:/'", 32);
    root = point->value.path;
    creation = point->value.creation;
  }
  const std::string folder = folder_of(scope, request.file_system).string();
  io::Fd top(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!top) return fail_errno("open " + folder, errno);
  return walk(std::move(top), root, creation);
}

}  // namespace landfall::efs
