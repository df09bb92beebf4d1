#include "host/network/namespaces.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/magic.h>
#include <net/if.h>
#include <net/route.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <bit>
#include <thread>

#include "io/files.h"
#include "io/net.h"

namespace landfall::host::network {
namespace {

std::string path_of(const std::string& name) {
  return fmt::format("{}/{}", kNamespaceFolder, name);
}

Result<void> inside(const std::string& name, const std::function<Result<void>()>& work) {
  if (name.empty()) return work();
  return io::in_network_namespace(path_of(name), work);
}

std::unexpected<Error> failed(const std::string& what, int error) {
  if (error == EPERM) {
    return fail("not-permitted", what + ": not permitted; Landfall's networks need root", 500);
  }
  return fail_errno(what, error);
}

// As `ip netns` does: the folder is a shared mount, so that removing a namespace reaches mount
// namespaces made since.
Result<void> prepare_folder() {
  const std::string folder(kNamespaceFolder);
  if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) return failed("make " + folder, errno);
  if (::mount("", folder.c_str(), nullptr, MS_SHARED | MS_REC, nullptr) == 0) return {};
  if (errno != EINVAL) return failed("share " + folder, errno);
  // EINVAL: it is not a mount of its own yet.
  if (::mount(folder.c_str(), folder.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0 ||
      ::mount("", folder.c_str(), nullptr, MS_SHARED | MS_REC, nullptr) != 0) {
    return failed("mount " + folder, errno);
  }
  return {};
}

sockaddr to_sockaddr(Ipv4 address) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_addr.s_addr = htonl(address.value);
  return std::bit_cast<sockaddr>(in);
}

Ipv4 from_sockaddr(const sockaddr* address) {
  sockaddr_in in{};
  std::memcpy(&in, address, sizeof in);
  return {ntohl(in.sin_addr.s_addr)};
}

Result<std::set<Route>> read_routes() {
  // thread-self: the plain /proc/net is that of the process's first thread.
  LF_TRY(text, io::read_file("/proc/thread-self/net/route"));
  std::set<Route> routes;
  std::string_view rest = text;
  bool heading = true;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const std::string line(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (std::exchange(heading, false)) continue;
    char device[64];
    unsigned destination = 0, gateway = 0, flags = 0, mask = 0;
    int reference = 0, use = 0, metric = 0;
    // Written as the kernel's memory, in network byte order.
    if (std::sscanf(line.c_str(), "%63s %x %x %x %d %d %d %x", device, &destination, &gateway,
                    &flags, &reference, &use, &metric, &mask) != 8) {
      continue;
    }
    Route route{{{ntohl(destination)}, std::popcount(mask)}, device, {}, metric};
    if (flags & RTF_GATEWAY) route.via = Ipv4{ntohl(gateway)};
    routes.insert(std::move(route));
  }
  return routes;
}

Result<NamespaceState> look_here() {
  NamespaceState state;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return failed("list network devices", errno);
  for (const ifaddrs* entry = list; entry; entry = entry->ifa_next) {
    auto& device = state.devices[entry->ifa_name];
    device.up = device.up || (entry->ifa_flags & IFF_UP);
    if (entry->ifa_addr && entry->ifa_addr->sa_family == AF_INET) {
      device.addresses.insert(from_sockaddr(entry->ifa_addr));
    }
  }
  ::freeifaddrs(list);
  LF_TRY(routes, read_routes());
  state.routes = std::move(routes);
  return state;
}

Result<void> write_setting(const std::string& key, const std::string& value) {
  const std::string path = "/proc/sys/net/" + key;
  const io::Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) {
    if (errno == ENOENT) return {};
    return failed("open " + path, errno);
  }
  if (::write(file.get(), value.data(), value.size()) < 0) return failed("write " + path, errno);
  return {};
}

Result<void> bring_up(int socket, const std::string& device) {
  ifreq request{};
  device.copy(request.ifr_name, IFNAMSIZ - 1);
  if (::ioctl(socket, SIOCGIFFLAGS, &request) != 0) return failed("read flags of " + device, errno);
  if (request.ifr_flags & IFF_UP) return {};
  request.ifr_flags |= IFF_UP;
  if (::ioctl(socket, SIOCSIFFLAGS, &request) != 0) return failed("bring up " + device, errno);
  return {};
}

Result<void> configure_here(const EndpointAddress& endpoint) {
  const io::Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return failed("socket", errno);
  LF_OK(bring_up(socket.get(), "lo"));
  ifreq request{};
  endpoint.device.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_addr = to_sockaddr(endpoint.address);
  if (::ioctl(socket.get(), SIOCSIFADDR, &request) != 0) {
    return failed("set the address of " + endpoint.device, errno);
  }
  request.ifr_netmask = to_sockaddr({~std::uint32_t{0} << (32 - endpoint.prefix_length)});
  if (::ioctl(socket.get(), SIOCSIFNETMASK, &request) != 0) {
    return failed("set the mask of " + endpoint.device, errno);
  }
  LF_OK(bring_up(socket.get(), endpoint.device));
  rtentry route{};
  route.rt_dst = to_sockaddr({});
  route.rt_genmask = to_sockaddr({});
  route.rt_gateway = to_sockaddr(endpoint.gateway);
  route.rt_flags = RTF_UP | RTF_GATEWAY;
  if (::ioctl(socket.get(), SIOCADDRT, &route) != 0 && errno != EEXIST) {
    return failed("add the default route", errno);
  }
  return {};
}

}  // namespace

bool namespace_exists(const std::string& name) {
  struct statfs info{};
  return ::statfs(path_of(name).c_str(), &info) == 0 && info.f_type == NSFS_MAGIC;
}

Result<bool> ensure_namespace(const std::string& name) {
  if (namespace_exists(name)) return false;
  LF_OK(prepare_folder());
  const std::string path = path_of(name);
  const io::Fd file(::open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0444));
  if (!file) return failed("make " + path, errno);
  // On a thread of its own: when something fails half-way, no thread of ours is left in a strange
  // namespace.
  int error = 0;
  std::string step;
  std::thread([&] {
    step = "make a network namespace";
    if (::unshare(CLONE_NEWNET) == 0) {
      step = "mount " + path;
      if (::mount("/proc/thread-self/ns/net", path.c_str(), nullptr, MS_BIND, nullptr) == 0) return;
    }
    error = errno;
  }).join();
  if (error != 0) {
    ::unlink(path.c_str());
    return failed(step, error);
  }
  return true;
}

Result<void> remove_namespace(const std::string& name) {
  const std::string path = path_of(name);
  // Mounted several times over when two processes repaired it at once: until it is a plain file
  // again.
  while (::umount2(path.c_str(), MNT_DETACH) == 0) {
  }
  if (errno != EINVAL && errno != ENOENT) return failed("unmount " + path, errno);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return failed("remove " + path, errno);
  return {};
}

std::vector<std::string> list_namespaces(std::string_view prefix) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(kNamespaceFolder, error)) {
    std::string name = entry.path().filename().string();
    if (name.starts_with(prefix)) names.push_back(std::move(name));
  }
  std::ranges::sort(names);
  return names;
}

Result<NamespaceState> look_into(const std::string& name) {
  Result<NamespaceState> state;
  LF_OK(inside(name, [&]() -> Result<void> {
    state = look_here();
    return {};
  }));
  return state;
}

Result<void> apply_settings(const std::string& name, const Settings& settings) {
  return inside(name, [&]() -> Result<void> {
    for (const auto& [key, value] : settings) LF_OK(write_setting(key, value));
    return {};
  });
}

Result<void> configure_endpoint(const std::string& name, const EndpointAddress& endpoint) {
  return inside(name, [&] { return configure_here(endpoint); });
}

}  // namespace landfall::host::network
