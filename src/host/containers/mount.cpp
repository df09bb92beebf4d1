#include "host/containers/mount.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/net.h"

// <sys/mount.h> and <linux/mount.h> of Debian 12 contradict each other; these two are all we need
// of the former.
extern "C" int mount(const char*, const char*, const char*, unsigned long, const void*) noexcept;
extern "C" int umount2(const char*, int) noexcept;

namespace landfall::host {
namespace fs = std::filesystem;
namespace {

constexpr int kDetach = 2;              // MNT_DETACH
constexpr unsigned kSetFd = 5;          // FSCONFIG_SET_FD
constexpr unsigned kMoveEmptyPath = 4;  // MOVE_MOUNT_F_EMPTY_PATH

int idle(void*) {
  for (;;) ::pause();
}

// Overlay's own escapes: its options are separated by commas, its layers by colons.
std::string escaped(const fs::path& path) {
  std::string out;
  for (const char c : path.string()) {
    if (c == '\\' || c == ',' || c == ':') out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

std::string unescape_mountinfo(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      out.push_back(char((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0')));
      i += 3;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

Result<io::Fd> open_overlay(const Overlay& overlay, const std::vector<io::Fd>& layers) {
  io::Fd context(int(::syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC)));
  if (!context) return fail_errno("overlay", errno);
  const auto set = [&](const char* key, const std::string& value) -> Result<void> {
    if (::syscall(SYS_fsconfig, context.get(), FSCONFIG_SET_STRING, key, value.c_str(), 0) < 0) {
      return fail_errno(fmt::format("overlay {}={}", key, value), errno);
    }
    return {};
  };
  LF_OK(set("source", "overlay"));
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
    if (::syscall(SYS_fsconfig, context.get(), kSetFd, "lowerdir+", nullptr, layer->get()) < 0) {
      return fail_errno("overlay layer", errno);
    }
  }
  LF_OK(set("upperdir", overlay.upper.string()));
  LF_OK(set("workdir", overlay.work.string()));
  if (::syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0) {
    return fail_errno("overlay", errno);
  }
  io::Fd mounted(int(::syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, 0)));
  if (!mounted) return fail_errno("overlay", errno);
  return mounted;
}

// The way every kernel knows: layers attached somewhere, named in one string. The overlay keeps its
// own clones, so they can be detached afterwards.
Result<void> mount_attached(const Overlay& overlay, const std::vector<io::Fd>& layers) {
  std::string lower;
  const auto attach = [&]() -> Result<void> {
    for (std::size_t i = layers.size(); i-- > 0;) {
      const fs::path at = overlay.staging / std::to_string(i);
      std::error_code error;
      fs::create_directories(at, error);
      if (error) return fail_errno("make " + at.string(), error.value());
      LF_OK(attach_mount(layers[i], at));
      if (!lower.empty()) lower.push_back(':');
      lower += escaped(at);
    }
    return {};
  };
  Result<void> done = attach();
  if (done) {
    const std::string options = fmt::format("lowerdir={},upperdir={},workdir={}", lower,
                                            escaped(overlay.upper), escaped(overlay.work));
    if (options.size() >= std::size_t(::sysconf(_SC_PAGESIZE))) {
      done = fail("image-invalid",
                  fmt::format("the image has too many layers ({}) for this kernel", layers.size()));
    } else if (::mount("overlay", overlay.target.c_str(), "overlay", 0, options.c_str()) < 0) {
      done = fail_errno("overlay", errno);
    }
  }
  for (std::size_t i = 0; i < layers.size(); ++i) {
    ::umount2((overlay.staging / std::to_string(i)).c_str(), kDetach);
    ::rmdir((overlay.staging / std::to_string(i)).c_str());
  }
  ::rmdir(overlay.staging.c_str());
  return done;
}

}  // namespace

Result<io::Fd> make_user_namespace(IdRange range) {
  // The child borrows our memory, so it costs the same however large we are; it only waits to be
  // killed. No exit signal, so that nobody else's waiting notices it.
  constexpr std::size_t kStack = 16 << 10;
  const auto stack = std::make_unique<char[]>(kStack);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::clone(idle, stack.get() + kStack, CLONE_NEWUSER | CLONE_VM, nullptr);
  const int clone_error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return fail_errno("make a user namespace", clone_error);
  const auto map = [&]() -> Result<io::Fd> {
    const std::string line = fmt::format("0 {} {}\n", range.first, range.size);
    for (const char* file : {"uid_map", "gid_map"}) {
      const io::Fd fd(::open(fmt::format("/proc/{}/{}", pid, file).c_str(), O_WRONLY | O_CLOEXEC));
      if (!fd || ::write(fd.get(), line.data(), line.size()) < 0) return fail_errno(file, errno);
    }
    io::Fd made(::open(fmt::format("/proc/{}/ns/user", pid).c_str(), O_RDONLY | O_CLOEXEC));
    if (!made) return fail_errno("open a user namespace", errno);
    return made;
  };
  auto made = map();
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, __WALL);
  return made;
}

Result<io::Fd> clone_mount(const fs::path& source, const io::Fd* user_namespace, bool read_only) {
  io::Fd tree(
      int(::syscall(SYS_open_tree, AT_FDCWD, source.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)));
  if (!tree) return fail_errno("mount " + source.string(), errno);
  mount_attr attributes{};
  if (read_only) attributes.attr_set |= MOUNT_ATTR_RDONLY;
  if (user_namespace) {
    attributes.attr_set |= MOUNT_ATTR_IDMAP;
    attributes.userns_fd = std::uint64_t(user_namespace->get());
  }
  if (attributes.attr_set != 0 && ::syscall(SYS_mount_setattr, tree.get(), "", AT_EMPTY_PATH,
                                            &attributes, sizeof attributes) < 0) {
    if (user_namespace && (errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS)) {
      return fail("kernel-feature-missing",
                  fmt::format("the file system of {} has no id-mapped mounts", source.string()),
                  500);
    }
    return fail_errno("mount " + source.string(), errno);
  }
  return tree;
}

Result<void> attach_mount(const io::Fd& mount, const fs::path& target) {
  struct stat about{};
  if (::fstat(mount.get(), &about) < 0) return fail_errno("stat of a mount", errno);
  if (::access(target.c_str(), F_OK) < 0) {
    if (S_ISDIR(about.st_mode)) {
      LF_OK(io::make_directories(target));
    } else {
      const io::Fd made(::open(target.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
      if (!made) return fail_errno("make " + target.string(), errno);
    }
  }
  if (::syscall(SYS_move_mount, mount.get(), "", AT_FDCWD, target.c_str(), kMoveEmptyPath) < 0) {
    return fail_errno("mount at " + target.string(), errno);
  }
  return {};
}

Result<void> mount_overlay(const Overlay& overlay) {
  CHECK(!overlay.layers.empty());
  std::vector<io::Fd> layers;
  for (const fs::path& layer : overlay.layers) {
    LF_TRY(clone, clone_mount(layer, overlay.user_namespace, false));
    layers.push_back(std::move(clone));
  }
  if (!overlay.attach_layers) {
    if (const auto mounted = open_overlay(overlay, layers)) {
      return attach_mount(*mounted, overlay.target);
    }
  }
  return mount_attached(overlay, layers);
}

Result<void> mount_sysfs(const std::string& network_namespace, const fs::path& target) {
  io::Fd mounted;
  LF_OK(io::in_network_namespace(network_namespace, [&]() -> Result<void> {
    const io::Fd context(int(::syscall(SYS_fsopen, "sysfs", FSOPEN_CLOEXEC)));
    if (!context) return fail_errno("sysfs", errno);
    if (::syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0) {
      return fail_errno("sysfs", errno);
    }
    mounted = io::Fd(int(
        ::syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC,
                  MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)));
    if (!mounted) return fail_errno("sysfs", errno);
    return {};
  }));
  return attach_mount(mounted, target);
}

Result<void> set_network_sysctls(const std::string& network_namespace,
                                 const std::map<std::string, std::string>& sysctls) {
  std::map<std::string, std::string> all = {{"net.ipv4.ip_unprivileged_port_start", "0"},
                                            {"net.ipv4.ping_group_range", "0 2147483647"}};
  for (const auto& [name, value] : sysctls) all[name] = value;
  return io::in_network_namespace(network_namespace, [&]() -> Result<void> {
    for (const auto& [name, value] : all) {
      std::string file = "/proc/sys/" + name;
      std::ranges::replace(file.begin() + 10, file.end(), '.', '/');
      const io::Fd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
      if (!fd || ::write(fd.get(), value.data(), value.size()) < 0) {
        return fail("invalid-container", fmt::format("the kernel refuses the setting {}={}: {}",
                                                     name, value, std::strerror(errno)));
      }
    }
    return {};
  });
}

std::vector<fs::path> mounts_below(const fs::path& path) {
  std::vector<fs::path> out;
  const auto text = io::read_file("/proc/self/mountinfo");
  if (!text) return out;
  const std::string prefix = path.string() + "/";
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    for (int i = 0; i < 4 && !line.empty(); ++i) {
      line.remove_prefix(std::min(line.find(' ') + 1, line.size()));
    }
    const std::string at = unescape_mountinfo(line.substr(0, line.find(' ')));
    if (at == path || at.starts_with(prefix)) out.emplace_back(at);
  }
  return out;
}

Result<void> unmount_below(const fs::path& path) {
  // Later mounts lie above earlier ones.
  std::vector<fs::path> found = mounts_below(path);
  for (auto at = found.rbegin(); at != found.rend(); ++at) {
    if (::umount2(at->c_str(), kDetach) < 0 && errno != EINVAL && errno != ENOENT) {
      return fail_errno("unmount " + at->string(), errno);
    }
  }
  return {};
}

}  // namespace landfall::host
