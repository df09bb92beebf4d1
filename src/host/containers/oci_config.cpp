#include "host/containers/oci_config.h"

#include <sys/statvfs.h>

#include "base/record.h"

namespace landfall::host {
namespace {

constexpr const char* kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// What Docker, and so Fargate, gives every container.
constexpr const char* kDefaultCapabilities[] = {
    "CAP_AUDIT_WRITE", "CAP_CHOWN",   "CAP_DAC_OVERRIDE",     "CAP_FOWNER",    "CAP_FSETID",
    "CAP_KILL",        "CAP_MKNOD",   "CAP_NET_BIND_SERVICE", "CAP_NET_RAW",   "CAP_SETFCAP",
    "CAP_SETGID",      "CAP_SETPCAP", "CAP_SETUID",           "CAP_SYS_CHROOT"};

constexpr const char* kOtherCapabilities[] = {"CAP_AUDIT_CONTROL",
                                              "CAP_AUDIT_READ",
                                              "CAP_BLOCK_SUSPEND",
                                              "CAP_BPF",
                                              "CAP_CHECKPOINT_RESTORE",
                                              "CAP_DAC_READ_SEARCH",
                                              "CAP_IPC_LOCK",
                                              "CAP_IPC_OWNER",
                                              "CAP_LEASE",
                                              "CAP_LINUX_IMMUTABLE",
                                              "CAP_MAC_ADMIN",
                                              "CAP_MAC_OVERRIDE",
                                              "CAP_NET_ADMIN",
                                              "CAP_NET_BROADCAST",
                                              "CAP_PERFMON",
                                              "CAP_SYSLOG",
                                              "CAP_SYS_ADMIN",
                                              "CAP_SYS_BOOT",
                                              "CAP_SYS_MODULE",
                                              "CAP_SYS_NICE",
                                              "CAP_SYS_PACCT",
                                              "CAP_SYS_PTRACE",
                                              "CAP_SYS_RAWIO",
                                              "CAP_SYS_RESOURCE",
                                              "CAP_SYS_TIME",
                                              "CAP_SYS_TTY_CONFIG",
                                              "CAP_WAKE_ALARM"};

json::array strings(const auto& from) {
  json::array out;
  for (const auto& item : from) out.emplace_back(json::string(item));
  return out;
}

json::object mount(std::string_view destination, std::string_view type, std::string_view source,
                   std::initializer_list<std::string_view> options) {
  json::array list;
  for (const std::string_view option : options) {
    list.emplace_back(json::string_view(option.data(), option.size()));
  }
  json::object out;
  out["destination"] = json::string_view(destination.data(), destination.size());
  out["type"] = json::string_view(type.data(), type.size());
  out["source"] = json::string_view(source.data(), source.size());
  out["options"] = std::move(list);
  return out;
}

json::array mounts(const OciInput& in) {
  const ContainerSpec& spec = in.spec;
  json::array out;
  out.push_back(mount("/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}));
  out.push_back(
      mount("/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}));
  out.push_back(mount("/dev/pts", "devpts", "devpts",
                      {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}));
  const std::string shm_size = fmt::format("size={}", spec.shared_memory_bytes);
  out.push_back(
      mount("/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", shm_size}));
  out.push_back(mount("/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}));
  out.push_back(
      in.sys_source.empty()
          ? mount("/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"})
          : mount("/sys", "bind", in.sys_source, {"bind", "nosuid", "noexec", "nodev", "ro"}));
  out.push_back(
      mount("/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", "relatime", "ro"}));
  for (const ContainerTmpfs& tmpfs : spec.tmpfs) {
    json::object entry = mount(tmpfs.destination, "tmpfs", "tmpfs", {"nosuid", "nodev"});
    const std::uint64_t memory =
        spec.limits.memory_bytes ? spec.limits.memory_bytes : spec.group_limits.memory_bytes;
    const std::uint64_t size = tmpfs.size_bytes ? tmpfs.size_bytes : memory / 2;
    json::array& options = entry["options"].get_array();
    if (size) options.emplace_back(fmt::format("size={}", size));
    for (const std::string& option : tmpfs.options) options.emplace_back(json::string(option));
    out.push_back(std::move(entry));
  }
  // Outer folders before inner ones, whatever order they were given in.
  std::vector<ContainerMount> binds = in.mounts;
  std::ranges::sort(binds, {}, [](const ContainerMount& bind) {
    return std::pair(std::ranges::count(bind.destination, '/'), bind.destination);
  });
  for (const ContainerMount& bind : binds) {
    json::object entry = mount(bind.destination, "bind", bind.source, {"bind", "nosuid", "nodev"});
    json::array& options = entry["options"].get_array();
    // What the source forbids stays forbidden: a user namespace may not lift it, and the mount
    // would fail.
    struct statvfs about{};
    const bool known = ::statvfs(bind.source.c_str(), &about) == 0;
    if (known && (about.f_flag & ST_NOEXEC)) options.emplace_back("noexec");
    if (known && (about.f_flag & ST_NOATIME)) options.emplace_back("noatime");
    options.emplace_back(bind.read_only || (known && (about.f_flag & ST_RDONLY)) ? "ro" : "rw");
    out.push_back(std::move(entry));
  }
  return out;
}

json::object resources(const OciInput& in) {
  const ResourceLimits& limits = in.spec.limits;
  json::object out;
  json::object deny;
  deny["allow"] = false;
  deny["access"] = "rwm";
  out["devices"] = json::array{std::move(deny)};
  json::object memory;
  if (limits.memory_bytes) memory["limit"] = limits.memory_bytes;
  if (limits.memory_bytes && in.limit_swap) memory["swap"] = limits.memory_bytes;
  if (limits.memory_reservation_bytes) memory["reservation"] = limits.memory_reservation_bytes;
  if (!memory.empty()) out["memory"] = std::move(memory);
  json::object cpu;
  if (limits.cpu_shares) cpu["shares"] = limits.cpu_shares;
  if (limits.cpu_quota_millicores) {
    cpu["period"] = 100'000;
    cpu["quota"] = std::max<std::uint64_t>(limits.cpu_quota_millicores * 100, 1000);
  }
  if (!cpu.empty()) out["cpu"] = std::move(cpu);
  if (limits.pids) {
    json::object pids;
    pids["limit"] = limits.pids;
    out["pids"] = std::move(pids);
  }
  return out;
}

json::object process(const OciInput& in) {
  json::object user;
  user["uid"] = in.user.uid;
  user["gid"] = in.user.gid;
  json::array groups;
  for (const std::uint32_t group : in.user.groups) groups.emplace_back(group);
  if (!groups.empty()) user["additionalGids"] = std::move(groups);
  json::array environment;
  for (const auto& [name, value] : in.program.environment) {
    environment.emplace_back(json::string(name + "=" + value));
  }
  json::object capabilities;
  for (const char* set : {"bounding", "effective", "permitted"}) {
    capabilities[set] = strings(in.capabilities);
  }
  json::object out;
  out["terminal"] = false;
  out["user"] = std::move(user);
  out["args"] = strings(in.program.argv);
  out["env"] = std::move(environment);
  out["cwd"] = in.program.working_directory;
  out["capabilities"] = std::move(capabilities);
  out["noNewPrivileges"] = in.spec.no_new_privileges;
  if (!in.spec.ulimits.empty()) {
    json::array limits;
    for (const ContainerUlimit& limit : in.spec.ulimits) {
      json::object entry;
      std::string name = "RLIMIT_" + limit.name;
      std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::toupper(c); });
      entry["type"] = name;
      entry["soft"] = limit.soft;
      entry["hard"] = limit.hard;
      limits.push_back(std::move(entry));
    }
    out["rlimits"] = std::move(limits);
  }
  return out;
}

json::object linux_part(const OciInput& in) {
  json::object out;
  json::array namespaces;
  for (const char* kind : {"pid", "ipc", "uts", "mount", "cgroup", "user"}) {
    namespaces.push_back(json::object{{"type", kind}});
  }
  // A network of the caller's is not named: runc is started inside it. To join it, as `runc exec`
  // would for each command, takes rights that the container's user namespace does not have.
  if (in.spec.network_namespace.empty()) namespaces.push_back(json::object{{"type", "network"}});
  out["namespaces"] = std::move(namespaces);
  json::object mapping{{"containerID", 0}, {"hostID", in.range.first}, {"size", in.range.size}};
  out["uidMappings"] = json::array{mapping};
  out["gidMappings"] = json::array{mapping};
  out["cgroupsPath"] = in.cgroup_path;
  out["resources"] = resources(in);
  json::object sysctls;
  for (const auto& [name, value] : in.spec.sysctls) {
    // Those of a namespace made elsewhere are set there, by us.
    if (in.spec.network_namespace.empty() || !name.starts_with("net.")) sysctls[name] = value;
  }
  if (!sysctls.empty()) out["sysctl"] = std::move(sysctls);
  if (!in.seccomp.empty()) out["seccomp"] = in.seccomp;
  out["maskedPaths"] = {"/proc/acpi",
                        "/proc/asound",
                        "/proc/kcore",
                        "/proc/keys",
                        "/proc/latency_stats",
                        "/proc/timer_list",
                        "/proc/timer_stats",
                        "/proc/sched_debug",
                        "/proc/scsi",
                        "/sys/firmware",
                        "/sys/devices/virtual/powercap"};
  out["readonlyPaths"] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
  return out;
}

}  // namespace

Result<Program> merge_program(const ContainerSpec& spec, const ImageConfig& image) {
  Program out;
  out.argv = spec.entry_point.value_or(image.entry_point);
  const std::vector<std::string> command =
      spec.command ? *spec.command
                   : (spec.entry_point ? std::vector<std::string>{} : image.command);
  out.argv.insert(out.argv.end(), command.begin(), command.end());
  if (out.argv.empty()) {
    return fail("command-missing",
                "neither the container definition nor the image says what to run");
  }
  out.environment = {{"PATH", kDefaultPath}};
  if (!spec.hostname.empty()) out.environment["HOSTNAME"] = spec.hostname;
  for (const auto& [name, value] : image.environment) out.environment[name] = value;
  for (const auto& [name, value] : spec.environment) out.environment[name] = value;
  out.user = spec.user.empty() ? image.user : spec.user;
  out.working_directory =
      spec.working_directory.empty() ? image.working_directory : spec.working_directory;
  if (out.working_directory.empty()) out.working_directory = "/";
  out.stop_signal = spec.stop_signal.empty() ? image.stop_signal : spec.stop_signal;
  if (out.stop_signal.empty()) out.stop_signal = "SIGTERM";
  return out;
}

Result<std::set<std::string>> capabilities_of(const ContainerSpec& spec) {
  const std::set<std::string> defaults(std::begin(kDefaultCapabilities),
                                       std::end(kDefaultCapabilities));
  std::set<std::string> every = defaults;
  every.insert(std::begin(kOtherCapabilities), std::end(kOtherCapabilities));
  std::set<std::string> out = defaults;
  const auto apply = [&](const std::vector<std::string>& names, bool add) -> Result<void> {
    for (const std::string& given : names) {
      if (given == "ALL") {
        out = add ? every : std::set<std::string>{};
        continue;
      }
      const std::string name = given.starts_with("CAP_") ? given : "CAP_" + given;
      if (!every.contains(name)) {
        return fail("invalid-container", fmt::format("'{}' is not a Linux capability", given));
      }
      if (add) {
        out.insert(name);
      } else {
        out.erase(name);
      }
    }
    return {};
  };
  // Dropped first, so that "drop ALL, add one" leaves that one.
  LF_OK(apply(spec.drop_capabilities, false));
  LF_OK(apply(spec.add_capabilities, true));
  return out;
}

json::object oci_config(const OciInput& in) {
  json::object out;
  out["ociVersion"] = "1.0.2";
  out["process"] = process(in);
  out["root"] = json::object{{"path", in.root_path}, {"readonly", in.spec.read_only_root}};
  if (!in.spec.hostname.empty()) out["hostname"] = in.spec.hostname;
  out["mounts"] = mounts(in);
  out["linux"] = linux_part(in);
  return out;
}

}  // namespace landfall::host
