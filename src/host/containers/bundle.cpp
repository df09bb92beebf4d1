#include "host/containers/bundle.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/record.h"
#include "host/containers/seccomp.h"

namespace landfall::host {
namespace fs = std::filesystem;
namespace {

// Files the container sees as its own root's.
Result<void> write_owned(const fs::path& path, std::string_view text, IdRange range) {
  const io::Fd fd(::open(path.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd || ::write(fd.get(), text.data(), text.size()) != ssize_t(text.size()) ||
      ::fchmod(fd.get(), 0644) < 0 || ::fchown(fd.get(), range.first, range.first) < 0) {
    return fail_errno("write " + path.string(), errno);
  }
  return {};
}

Result<void> make_folder(const fs::path& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) < 0 && errno != EEXIST) {
    if (errno == ENOSPC) return fail("disk-full", "the disk is full", 507);
    return fail_errno("make " + path.string(), errno);
  }
  if (::chmod(path.c_str(), mode) < 0) return fail_errno("chmod " + path.string(), errno);
  return {};
}

Result<void> mount_root(const BundleInput& in, const io::Fd* users) {
  const ContainerPaths& paths = in.paths;
  struct stat top{};
  if (::stat(in.layers.back().c_str(), &top) < 0) {
    return fail_errno("stat " + in.layers.back().string(), errno);
  }
  LF_OK(make_folder(paths.upper(), top.st_mode & 07777));
  LF_OK(make_folder(paths.work(), 0700));
  LF_OK(make_folder(paths.root(), 0755));
  // The overlay's root folder is the upper one.
  if (::chown(paths.upper().c_str(), in.range.first, in.range.first) < 0) {
    return fail_errno("chown " + paths.upper().string(), errno);
  }
  return mount_overlay({.layers = in.layers,
                        .user_namespace = users,
                        .upper = paths.upper(),
                        .work = paths.work(),
                        .target = paths.root(),
                        .staging = paths.run / "l"});
}

Result<std::vector<ContainerMount>> prepare_mounts(const BundleInput& in, const io::Fd* users) {
  std::vector<ContainerMount> out;
  for (const ContainerMount& mount : in.spec.mounts) {
    if (!mount.destination.starts_with('/') || !mount.source.starts_with('/')) {
      return fail("mount-invalid", fmt::format("'{}' on '{}': both paths must be absolute",
                                               mount.source, mount.destination));
    }
    std::error_code ignored;
    if (!fs::exists(mount.source, ignored)) {
      return fail("mount-invalid",
                  fmt::format("the mount's source {} does not exist", mount.source));
    }
    ContainerMount ready = mount;
    if (mount.container_ids) {
      if (!users) {
        return fail(
            "mount-invalid",
            fmt::format("mounting {} needs a file system with id-mapped mounts", mount.source),
            500);
      }
      LF_TRY(clone, clone_mount(mount.source, users, mount.read_only));
      const fs::path at = in.paths.run / "m" / std::to_string(out.size());
      LF_OK(make_folder(at.parent_path(), 0755));
      LF_OK(attach_mount(clone, at));
      ready.source = at;
    }
    out.push_back(std::move(ready));
  }
  return out;
}

// resolv.conf, hosts and hostname.
Result<void> add_network_files(const BundleInput& in, std::vector<ContainerMount>& mounts) {
  const ContainerSpec& spec = in.spec;
  const fs::path folder = in.paths.run / "etc";
  LF_OK(make_folder(folder, 0755));
  const auto add = [&](const char* name, const std::string& text) -> Result<void> {
    const std::string destination = std::string("/etc/") + name;
    if (std::ranges::any_of(spec.mounts, [&](const ContainerMount& mount) {
          return mount.destination == destination;
        })) {
      return {};
    }
    LF_OK(write_owned(folder / name, text, in.range));
    mounts.push_back({folder / name, destination, false, false});
    return {};
  };
  std::string hosts = "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n";
  for (const auto& [name, address] : spec.hosts) hosts += fmt::format("{} {}\n", address, name);
  if (!spec.hostname.empty() && !spec.hosts.contains(spec.hostname)) {
    hosts += fmt::format("127.0.1.1 {}\n", spec.hostname);
  }
  LF_OK(add("hosts", hosts));
  if (!spec.hostname.empty()) LF_OK(add("hostname", spec.hostname + "\n"));
  if (!spec.name_servers.empty()) {
    std::string resolver;
    if (!spec.search_domains.empty()) {
      resolver += fmt::format("search {}\n", fmt::join(spec.search_domains, " "));
    }
    for (const std::string& server : spec.name_servers) {
      resolver += fmt::format("nameserver {}\n", server);
    }
    LF_OK(add("resolv.conf", resolver));
  }
  return {};
}

// catatonit, static and tiny, becomes the first process: below /dev, which is a tmpfs whatever the
// image holds.
constexpr const char* kInitInside = "/dev/init";
Result<void> add_init_process(const BundleInput& in, const io::Fd* users, Program& program,
                              std::vector<ContainerMount>& mounts) {
  for (const char* init : {"/usr/libexec/podman/catatonit", "/usr/bin/catatonit"}) {
    if (::access(init, X_OK) < 0) continue;
    LF_TRY(clone, clone_mount(init, users, true));
    const fs::path at = in.paths.run / "init";
    LF_OK(attach_mount(clone, at));
    mounts.push_back({at, kInitInside, true, false});
    program.argv.insert(program.argv.begin(), {kInitInside, "--"});
    return {};
  }
  return fail("program-missing", "an init process was asked for, but 'catatonit' is not installed",
              500);
}

// Parsing costs more than all the rest: once per process.
Result<json::object> default_filter(const std::set<std::string>& capabilities) {
  static const Result<std::string> profile = io::read_file(kSeccompProfile);
  if (!profile) {
    return fail("program-missing",
                fmt::format("the system call profile {} is missing: install the package "
                            "golang-github-containers-common",
                            kSeccompProfile),
                500);
  }
  return seccomp_filter(*profile, capabilities, machine_architecture());
}

}  // namespace

Result<Bundle> prepare_bundle(const BundleInput& in) {
  const ContainerSpec& spec = in.spec;
  LF_TRY(program, merge_program(spec, in.image));
  LF_OK(parse_signal(program.stop_signal));
  LF_TRY(capabilities, capabilities_of(spec));
  // The container's root passes through here to its root file system, and can do no more.
  for (const fs::path& folder :
       {in.paths.run.parent_path().parent_path(), in.paths.run.parent_path(), in.paths.run}) {
    LF_OK(make_folder(folder, 0711));
  }
  LF_OK(make_folder(in.paths.exits(), 0700));

  io::Fd users;
  if (in.map_ids) {
    LF_TRY(made, make_user_namespace(in.range));
    users = std::move(made);
  }
  const io::Fd* mapping = in.map_ids ? &users : nullptr;
  LF_OK(mount_root(in, mapping));
  if (!spec.network_namespace.empty()) {
    std::map<std::string, std::string> sysctls;
    for (const auto& [name, value] : spec.sysctls) {
      if (name.starts_with("net.")) sysctls[name] = value;
    }
    LF_OK(set_network_sysctls(spec.network_namespace, sysctls));
    LF_OK(mount_sysfs(spec.network_namespace, in.paths.sys()));
  }
  LF_TRY(mounts, prepare_mounts(in, mapping));
  LF_OK(add_network_files(in, mounts));

  std::vector<std::string> elsewhere;
  for (const ContainerMount& mount : mounts) elsewhere.push_back(mount.destination);
  for (const ContainerTmpfs& tmpfs : spec.tmpfs) elsewhere.push_back(tmpfs.destination);
  LF_TRY(lookup, RootLookup::open(in.paths.root(), std::move(elsewhere)));
  LF_TRY(user, lookup.user(program.user));
  program.environment.try_emplace("HOME", user.home);
  LF_OK(lookup.check_working_directory(program.working_directory));
  LF_OK(lookup.check_program(program.argv[0], program.environment["PATH"],
                             program.working_directory));
  if (spec.init_process) LF_OK(add_init_process(in, mapping, program, mounts));
  json::object filter;
  if (spec.seccomp) {
    LF_TRY(cut, default_filter(capabilities));
    filter = std::move(cut);
  }
  const OciInput input{.spec = spec,
                       .program = program,
                       .user = user,
                       .range = in.range,
                       .root_path = in.paths.root(),
                       .cgroup_path = "/" + in.cgroup_path,
                       .sys_source = spec.network_namespace.empty() ? "" : in.paths.sys().string(),
                       .mounts = std::move(mounts),
                       .capabilities = std::move(capabilities),
                       .seccomp = std::move(filter),
                       .limit_swap = in.limit_swap};
  // The environment may hold secrets: below /run it is never on a disk.
  LF_OK(io::write_file(in.paths.run / "config.json", json::serialize(oci_config(input)), 0600));
  return Bundle{program.stop_signal};
}

}  // namespace landfall::host
