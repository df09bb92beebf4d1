// Network namespaces by system calls: made, entered, looked into, removed. All calls block for
// microseconds to a few milliseconds; run them through Loop::run_blocking. They change the calling
// thread's namespace and change it back.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/ipv4.h"
#include "base/result.h"

namespace landfall::host::network {

inline constexpr std::string_view kNamespaceFolder = "/run/netns";

// Makes the namespace and its file under /run/netns, as `ip netns add` does; present is success,
// and a file left behind by a crash (not a namespace) is made one. True when it was made now.
// Errors: "not-permitted" (not root), errno-*.
Result<bool> ensure_namespace(const std::string& name);
// Absent is success. Processes inside keep the namespace itself alive, without a name.
Result<void> remove_namespace(const std::string& name);
// Is it a namespace, and not a left-over file?
bool namespace_exists(const std::string& name);
// Names that start with `prefix`, also left-over files.
std::vector<std::string> list_namespaces(std::string_view prefix);

struct Route {
  Cidr destination;
  std::string device;  // "*" for unreachable and blackhole
  std::optional<Ipv4> via;
  int metric = 0;
  auto operator<=>(const Route&) const = default;
};

struct NamespaceState {
  struct Device {
    bool up = false;
    std::set<Ipv4> addresses;
  };
  std::map<std::string, Device> devices;
  std::set<Route> routes;  // main table
};
// Empty name: the namespace of this process.
Result<NamespaceState> look_into(const std::string& name);

// Writes /proc/sys/net/<path> inside the namespace. A setting the kernel does not have (no IPv6) is
// passed over.
using Settings = std::vector<std::pair<std::string, std::string>>;
Result<void> apply_settings(const std::string& name, const Settings& settings);

// Brings loopback and `device` up with an address and a default route. Repeating it changes
// nothing.
struct EndpointAddress {
  std::string device;
  Ipv4 address;
  int prefix_length = 24;
  Ipv4 gateway;
};
Result<void> configure_endpoint(const std::string& name, const EndpointAddress& endpoint);

}  // namespace landfall::host::network
