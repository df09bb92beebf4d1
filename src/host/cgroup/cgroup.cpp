#include "host/cgroup/cgroup.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <set>

#include "io/files.h"

namespace landfall::host {
namespace fs = std::filesystem;
namespace {

// Control files report size 0 and must be written with one write(): not a job for the general file
// functions.
std::optional<std::string> read_control(const fs::path& path) {
  const io::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return std::nullopt;
  std::string out;
  char buffer[4096];
  ssize_t count = 0;
  while ((count = ::read(fd.get(), buffer, sizeof buffer)) > 0) {
    out.append(buffer, std::size_t(count));
  }
  if (count < 0) return std::nullopt;
  return out;
}

Result<void> write_control(const fs::path& path, std::string_view value) {
  const io::Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd) return fail_errno("open " + path.string(), errno);
  if (::write(fd.get(), value.data(), value.size()) != ssize_t(value.size())) {
    return fail_errno(fmt::format("write {} to {}", value, path.string()), errno);
  }
  return {};
}

// "max" and v1's "no limit" (a huge number) are 0.
std::uint64_t to_number(std::string_view text) {
  std::uint64_t value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc()) return 0;
  return value >= (1ULL << 62) ? 0 : value;
}

std::uint64_t read_number(const fs::path& path) {
  const auto text = read_control(path);
  return text ? to_number(*text) : 0;
}

// The number after `key ` at the beginning of a line.
std::uint64_t read_field(const fs::path& path, std::string_view key) {
  const auto text = read_control(path);
  if (!text) return 0;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == ' ') {
      return to_number(line.substr(key.size() + 1));
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return 0;
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(at), text.size());
    if (end > 0) out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

constexpr std::uint64_t kPeriodUs = 100'000;

std::uint64_t quota_us(std::uint64_t millicores) {
  return std::max<std::uint64_t>(millicores * kPeriodUs / 1000, 1000);
}

// The conversion runc and systemd use: 2..262144 -> 1..10000.
std::uint64_t weight_of(std::uint64_t shares) {
  return 1 + ((std::clamp<std::uint64_t>(shares, 2, 262144) - 2) * 9999) / 262142;
}

void collect(const fs::path& folder, std::vector<fs::path>& out) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    std::error_code ignored;
    if (entry.is_directory(ignored)) collect(entry.path(), out);
  }
  if (!error) out.push_back(folder);
}

}  // namespace

Result<Cgroups> Cgroups::detect(const fs::path& mountinfo) {
  LF_TRY(text, io::read_file(mountinfo));
  Cgroups out;
  std::optional<fs::path> version2;
  std::set<std::string> seen;
  for (const std::string_view line : split(text, '\n')) {
    const std::size_t dash = line.find(" - ");
    if (dash == std::string_view::npos) continue;
    const auto before = split(line.substr(0, dash), ' ');
    const auto after = split(line.substr(dash + 3), ' ');
    if (before.size() < 5 || after.size() < 3) continue;
    // A hierarchy mounted a second time (in a chroot, say) is the same hierarchy.
    if (after[0] == "cgroup2" && !version2) version2 = fs::path(before[4]);
    if (after[0] != "cgroup" || !seen.insert(std::string(after[2])).second) continue;
    Hierarchy hierarchy{fs::path(before[4]), {}};
    for (const std::string_view option : split(after[2], ',')) {
      if (option != "rw" && option != "ro" && !option.starts_with("name=")) {
        hierarchy.controllers.emplace_back(option);
      }
    }
    out.hierarchies_.push_back(std::move(hierarchy));
  }
  if (!out.find("memory")) {
    out.hierarchies_.clear();
    out.unified_ = true;
    if (!version2) {
      return fail("kernel-feature-missing", "no control groups are mounted at /sys/fs/cgroup", 500);
    }
    out.hierarchies_.push_back({*version2, {}});
    const std::string available = read_control(*version2 / "cgroup.controllers").value_or("");
    for (const std::string_view word : split(available, ' ')) {
      out.hierarchies_[0].controllers.emplace_back(word.substr(0, word.find('\n')));
    }
  }
  if (!out.unified_) out.beside_ = version2;
  for (const char* needed : {"memory", "cpu", "pids"}) {
    if (!out.find(needed)) {
      return fail("kernel-feature-missing",
                  fmt::format("the control group controller '{}' is not available", needed), 500);
    }
  }
  return out;
}

const fs::path* Cgroups::find(std::string_view controller) const {
  for (const Hierarchy& hierarchy : hierarchies_) {
    if (std::ranges::find(hierarchy.controllers, controller) != hierarchy.controllers.end()) {
      return &hierarchy.mount;
    }
  }
  return nullptr;
}

bool Cgroups::limits_swap() const {
  if (unified_) {
    // The root group has no memory.swap.max; any other tells.
    for (const auto& child : children("")) {
      if (::access((hierarchies_[0].mount / child / "memory.swap.max").c_str(), F_OK) == 0) {
        return true;
      }
    }
    return false;
  }
  return ::access((*find("memory") / "memory.memsw.limit_in_bytes").c_str(), F_OK) == 0;
}

Result<void> Cgroups::enable_controllers(const std::string& path) const {
  fs::path at = hierarchies_[0].mount;
  for (const fs::path& part : fs::path(path).parent_path()) {
    LF_OK(write_control(at / "cgroup.subtree_control", "+cpu +memory +pids"));
    at /= part;
  }
  return write_control(at / "cgroup.subtree_control", "+cpu +memory +pids");
}

Result<void> Cgroups::make(const std::string& path, const CgroupLimits& limits) const {
  const auto refuse = [&](std::string_view what, const Error& why) {
    return fail("limits-refused", fmt::format("the {} limit was refused: {}", what, why.message),
                500);
  };
  const auto set = [&](std::string_view what, const fs::path& file,
                       const std::string& value) -> Result<void> {
    if (auto done = write_control(file, value); !done) return refuse(what, done.error());
    return {};
  };
  for (const char* controller : {"memory", "cpu", "pids"}) {
    std::error_code error;
    fs::create_directories(*find(controller) / path, error);
    if (error) return refuse(controller, Error{"", error.message()});
  }
  if (unified_) {
    LF_OK(enable_controllers(path));
    const fs::path at = hierarchies_[0].mount / path;
    if (limits.cpu_shares) {
      LF_OK(set("CPU", at / "cpu.weight", std::to_string(weight_of(limits.cpu_shares))));
    }
    if (limits.cpu_quota_millicores) LF_OK(limit_cpu(path, limits.cpu_quota_millicores));
    LF_OK(set("memory", at / "memory.max",
              limits.memory_bytes ? std::to_string(limits.memory_bytes) : "max"));
    if (limits.memory_bytes && ::access((at / "memory.swap.max").c_str(), F_OK) == 0) {
      LF_OK(set("swap", at / "memory.swap.max", "0"));
    }
    return set("process", at / "pids.max", limits.pids ? std::to_string(limits.pids) : "max");
  }
  const fs::path cpu = *find("cpu") / path, memory = *find("memory") / path;
  if (limits.cpu_shares) {
    LF_OK(set("CPU", cpu / "cpu.shares", std::to_string(limits.cpu_shares)));
  }
  if (limits.cpu_quota_millicores) LF_OK(limit_cpu(path, limits.cpu_quota_millicores));
  const std::string bytes = limits.memory_bytes ? std::to_string(limits.memory_bytes) : "-1";
  const fs::path with_swap = memory / "memory.memsw.limit_in_bytes";
  // Memory with swap may never be below memory alone: raise the outer one first.
  if (::access(with_swap.c_str(), F_OK) == 0) LF_OK(set("swap", with_swap, "-1"));
  LF_OK(set("memory", memory / "memory.limit_in_bytes", bytes));
  if (::access(with_swap.c_str(), F_OK) == 0) LF_OK(set("swap", with_swap, bytes));
  return set("process", *find("pids") / path / "pids.max",
             limits.pids ? std::to_string(limits.pids) : "max");
}

Result<void> Cgroups::limit_cpu(const std::string& path, std::uint64_t millicores) const {
  const fs::path at = *find("cpu") / path;
  const std::string quota = millicores ? std::to_string(quota_us(millicores)) : "";
  auto done = unified_ ? write_control(at / "cpu.max",
                                       fmt::format("{} {}", millicores ? quota : "max", kPeriodUs))
                       : write_control(at / "cpu.cfs_quota_us", millicores ? quota : "-1");
  if (done) return {};
  return fail("limits-refused", "the CPU limit was refused: " + done.error().message, 500);
}

std::optional<CgroupUsage> Cgroups::usage(const std::string& path) const {
  const fs::path memory = *find("memory") / path, pids = *find("pids") / path;
  std::error_code ignored;
  if (!fs::exists(memory, ignored)) return std::nullopt;
  CgroupUsage out;
  std::uint64_t droppable = 0;
  if (unified_) {
    out.cpu_ns = read_field(memory / "cpu.stat", "usage_usec") * 1000;
    out.memory_bytes = read_number(memory / "memory.current");
    droppable = read_field(memory / "memory.stat", "inactive_file");
  } else {
    if (const fs::path* account = find("cpuacct")) {
      out.cpu_ns = read_number(*account / path / "cpuacct.usage");
    }
    out.memory_bytes = read_number(memory / "memory.usage_in_bytes");
    droppable = read_field(memory / "memory.stat", "total_inactive_file");
  }
  out.memory_working_bytes = out.memory_bytes - std::min(out.memory_bytes, droppable);
  const char* limit_file = unified_ ? "memory.max" : "memory.limit_in_bytes";
  for (fs::path at = path; !at.empty(); at = at.parent_path()) {
    const std::uint64_t limit = read_number(*find("memory") / at / limit_file);
    if (limit && (out.memory_limit_bytes == 0 || limit < out.memory_limit_bytes)) {
      out.memory_limit_bytes = limit;
    }
  }
  out.pids = read_number(pids / "pids.current");
  return out;
}

std::uint64_t Cgroups::oom_kills(const std::string& path) const {
  const fs::path memory = *find("memory") / path;
  return read_field(memory / (unified_ ? "memory.events" : "memory.oom_control"), "oom_kill");
}

std::vector<int> Cgroups::processes(const std::string& path) const {
  std::set<int> out;
  for (const Hierarchy& hierarchy : hierarchies_) {
    std::vector<fs::path> folders;
    collect(hierarchy.mount / path, folders);
    for (const fs::path& folder : folders) {
      const std::string text = read_control(folder / "cgroup.procs").value_or("");
      for (const std::string_view line : split(text, '\n')) out.insert(int(to_number(line)));
    }
  }
  out.erase(0);
  return {out.begin(), out.end()};
}

Result<void> Cgroups::add_process(const std::string& path, int pid) const {
  for (const Hierarchy& hierarchy : hierarchies_) {
    const fs::path at = hierarchy.mount / path;
    // A new cpuset takes nobody before it has processors and memory of its own; staying in the old
    // one is right.
    if (std::ranges::find(hierarchy.controllers, "cpuset") != hierarchy.controllers.end() &&
        !unified_) {
      continue;
    }
    std::error_code error;
    fs::create_directories(at, error);
    if (error) return fail_errno("make " + at.string(), error.value());
    LF_OK(write_control(at / "cgroup.procs", std::to_string(pid)));
  }
  return {};
}

std::vector<std::string> Cgroups::children(const std::string& path) const {
  std::set<std::string> out;
  for (const Hierarchy& hierarchy : hierarchies_) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(hierarchy.mount / path, error)) {
      std::error_code ignored;
      if (entry.is_directory(ignored)) out.insert(entry.path().filename());
    }
  }
  return {out.begin(), out.end()};
}

void Cgroups::kill(const std::string& path) const {
  // A process may fork while we look, so look again until there is none.
  for (int round = 0; round < 200; ++round) {
    const std::vector<int> alive = processes(path);
    if (alive.empty()) return;
    for (const int pid : alive) ::kill(pid, SIGKILL);
    ::usleep(10'000);
  }
}

Result<void> Cgroups::remove(const std::string& path) const {
  if (path.empty()) return fail("cgroup-busy", "the root group cannot be removed", 500);
  std::vector<fs::path> mounts;
  for (const Hierarchy& hierarchy : hierarchies_) mounts.push_back(hierarchy.mount);
  if (beside_) mounts.push_back(*beside_);
  for (const fs::path& mount : mounts) {
    std::vector<fs::path> folders;
    collect(mount / path, folders);
    for (const fs::path& folder : folders) {
      // A process that has just ended may still be counted for a moment.
      for (int attempt = 0; ::rmdir(folder.c_str()) < 0 && errno != ENOENT; ++attempt) {
        if (errno != EBUSY) return fail_errno("remove " + folder.string(), errno);
        if (attempt >= 50) {
          return fail("cgroup-busy", fmt::format("a process is still in {}", folder.string()), 500);
        }
        ::usleep(2'000);
      }
    }
  }
  return {};
}

}  // namespace landfall::host
