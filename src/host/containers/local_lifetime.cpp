// How containers are found again, watched and taken apart.
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "host/containers/leftovers.h"
#include "host/containers/local_containers.h"
#include "host/containers/log_follower.h"
#include "io/fd_watch.h"
#include "io/process.h"

namespace landfall::host {
namespace fs = std::filesystem;
namespace {

std::string read_boot_id() {
  const std::string text = io::read_file("/proc/sys/kernel/random/boot_id").value_or("");
  return text.substr(0, text.find('\n'));
}

// Can layers in this folder be mapped to other ids when mounted?
bool maps_ids(const fs::path& folder) {
  const auto users = make_user_namespace({1 << 28, 65536});
  return users && clone_mount(folder, &*users, false).has_value();
}

TimePoint modified_at(const fs::path& path, TimePoint otherwise) {
  struct stat about{};
  if (::stat(path.c_str(), &about) < 0) return otherwise;
  return from_unix_ms(about.st_mtim.tv_sec * 1000 + about.st_mtim.tv_nsec / 1'000'000);
}

struct Ended {
  ContainerPaths paths;
  std::string id;
  std::string cgroup;
  int init_pid = 0;
  std::uint64_t init_start_time = 0;
  bool rebooted = false;
  TimePoint now = {};
};

// Blocks.
ExitStatus exit_status(const Ended& container, const Cgroups& cgroups) {
  ExitStatus out;
  out.at = container.now;
  const fs::path file = container.paths.exits() / container.id;
  if (const auto text = io::read_file(file)) {
    std::from_chars(text->data(), text->data() + text->size(), out.code);
    out.at = modified_at(file, container.now);
    if (out.code > 128 && out.code < 128 + NSIG) out.signal = out.code - 128;
    out.oom_killed = out.code == 128 + SIGKILL && cgroups.oom_kills(container.cgroup) > 0;
    return out;
  }
  out.code = 128 + SIGKILL;
  out.signal = SIGKILL;
  if (container.rebooted) {
    out.reason = "host-restarted";
    return out;
  }
  // Its monitor is gone, and with it the output's reader: what still runs could not be told from
  // what hangs.
  out.reason = "monitor-lost";
  if (io::process_alive(container.init_pid, container.init_start_time)) {
    ::kill(container.init_pid, SIGKILL);
  }
  cgroups.kill(container.cgroup);
  return out;
}

}  // namespace

task<Result<void>> LocalContainers::open() {
  boot_id_ = read_boot_id();
  LF_CO_TRY(cgroups, Cgroups::detect());
  cgroups_ = std::move(cgroups);
  const fs::path containers = instance_.data_dir / "containers";
  const fs::path layers = instance_.data_dir / "layers";
  LF_CO_OK(io::make_directories(containers, 0700));
  LF_CO_OK(io::make_directories(layers, 0700));
  LF_CO_OK(io::make_directories(run_ / "containers", 0711));
  LF_CO_OK(io::make_directories(run_ / "runc", 0700));
  if (::chmod(run_.c_str(), 0711) < 0) co_return fail_errno("chmod " + run_.string(), errno);
  map_ids_ = maps_ids(layers);
  LF_CO_TRY(range, allocate_range(""));
  layers_ = std::make_unique<LayerStore>(loop_, layers, map_ids_ ? 0 : range.first);
  LF_CO_OK(co_await loop_.run_blocking([store = layers_.get()] { return store->open(); }));
  if (blobs_) images_ = std::make_unique<Images>(loop_, *blobs_, *layers_);

  std::vector<std::string> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(containers, error)) {
    found.push_back(entry.path().filename());
  }
  if (error) co_return fail_errno("read " + containers.string(), error.value());
  for (const std::string& id : found) {
    const auto text = io::read_file(paths(id).meta());
    auto meta = text ? record::from_text<Meta>(*text) : std::unexpected(text.error());
    if (!meta || meta->id != id) {
      // Its record was never written, or its removal was cut short.
      metas_[id] = Meta{.id = id, .group = "unreadable"};
      co_await discard(id);
      continue;
    }
    metas_[id] = std::move(*meta);
  }
  // What /run still has of containers whose folder is gone.
  std::set<std::string> known;
  for (const auto& [id, meta] : metas_) known.insert(id);
  LF_CO_OK(co_await loop_.run_blocking([instance = instance_, known, groups = *cgroups_] {
    return remove_leftovers(instance, groups, known);
  }));
  for (const std::string& id : known) {
    const Meta& meta = metas_[id];
    if (meta.state != ContainerState::created && meta.state != ContainerState::running) continue;
    adopt(id);
    const Meta& now = metas_[id];
    if (now.boot_id != boot_id_ || !io::process_alive(now.monitor_pid, now.monitor_start_time)) {
      co_await record_end(id, now.monitor_pid, now.monitor_start_time);
    } else {
      begin_watch(id);
    }
  }
  watchers_.spawn("trim logs", trim_logs());
  co_return Result<void>{};
}

// A follower gives back what it has stored elsewhere. This bounds the logs that nobody follows.
task<void> LocalContainers::trim_logs() {
  constexpr std::uint64_t kMost = 256 << 20, kKept = 64 << 20;
  for (;;) {
    co_await loop_.sleep_for(std::chrono::seconds(30));
    std::vector<fs::path> logs;
    for (const auto& [id, meta] : metas_) logs.push_back(paths(id).log());
    co_await loop_.run_blocking([logs = std::move(logs)] {
      for (const fs::path& log : logs) trim_log(log, kMost, kKept);
    });
  }
}

task<void> LocalContainers::close() { co_await watchers_.stop(); }

void LocalContainers::adopt(const std::string& id) {
  Meta& meta = metas_[id];
  std::error_code ignored;
  // A crash between letting the program begin and writing so.
  if (meta.state == ContainerState::created && meta.boot_id == boot_id_ &&
      !fs::exists(monitor_paths(id).start_fifo(id), ignored)) {
    meta.state = ContainerState::running;
    if (!meta.started_at) meta.started_at = clock_.now();
  }
}

void LocalContainers::begin_watch(const std::string& id) {
  const Meta& meta = metas_[id];
  watchers_.spawn("container " + id, watch(id, meta.monitor_pid, meta.monitor_start_time));
}

// conmon ends right after it has written the exit code; should it end without, the container is
// lost. So its process is all there is to watch.
task<void> LocalContainers::watch(std::string id, int monitor_pid, std::uint64_t start_time) {
  io::Fd process(int(::syscall(SYS_pidfd_open, monitor_pid, 0)));
  if (process && io::process_alive(monitor_pid, start_time)) {
    io::FdWatch ended(loop_, std::move(process));
    co_await ended.readable();
  }
  co_await record_end(id, monitor_pid, start_time);
}

// Named by its monitor too: meanwhile another container may have got the id.
task<void> LocalContainers::record_end(std::string id, int monitor_pid, std::uint64_t start_time) {
  const auto find_it = [&]() -> Meta* {
    Meta* found = find_meta(id);
    const bool same = found && found->monitor_pid == monitor_pid &&
                      found->monitor_start_time == start_time && !found->exit;
    return same ? found : nullptr;
  };
  const Meta* meta = find_it();
  if (!meta) co_return;
  Ended ended{paths(id),
              id,
              cgroup_of(*meta),
              meta->init_pid,
              meta->init_start_time,
              meta->boot_id != boot_id_,
              clock_.now()};
  ExitStatus status = co_await loop_.run_blocking(
      [ended = std::move(ended), groups = *cgroups_] { return exit_status(ended, groups); });
  Meta* now = find_it();
  if (!now) co_return;
  now->state = ContainerState::exited;
  now->exit = std::move(status);
  const auto saved = co_await save(id);
  // Not on disk is no harm: the exit file is, and is read again after a restart.
  if (!saved) log::warning("containers", "{}: {}", id, saved.error().message);
  changed_.notify_all();
}

task<void> LocalContainers::discard(std::string id) {
  const auto found = metas_.find(id);
  if (found == metas_.end()) co_return;
  const Meta meta = found->second;
  bool group_is_used = meta.group == "unreadable";
  for (const auto& [other, entry] : metas_) {
    group_is_used = group_is_used || (other != id && entry.group == meta.group);
  }
  const bool same_boot = meta.boot_id == boot_id_ || meta.boot_id.empty();
  // First what lives, so that its end is nobody's news any more.
  co_await loop_.run_blocking([meta, same_boot, at = paths(id), groups = *cgroups_,
                               cgroup = cgroup_of(meta)] {
    if (!same_boot) return;
    if (meta.init_pid > 1 && io::process_alive(meta.init_pid, meta.init_start_time)) {
      ::kill(meta.init_pid, SIGKILL);
    }
    groups.kill(cgroup);
    // conmon ends by itself after its container; half-made ones have to be found.
    for (int i = 0; i < 200 && meta.monitor_pid > 1 &&
                    io::process_alive(meta.monitor_pid, meta.monitor_start_time);
         ++i) {
      ::usleep(5'000);
    }
    if (meta.state == ContainerState::creating ||
        (meta.monitor_pid > 1 && io::process_alive(meta.monitor_pid, meta.monitor_start_time))) {
      kill_strays(at.run);
      groups.kill(cgroup);
    }
  });
  auto cleaned = co_await loop_.run_blocking(
      [at = paths(id), state = run_ / "runc" / id, groups = *cgroups_, cgroup = cgroup_of(meta),
       group = group_is_used ? "" : fmt::format("landfall-{}/{}", instance_.tag, meta.group)] {
        return remove_container_traces(at, state, groups, cgroup, group);
      });
  // What could not be removed is found again by the next start.
  if (!cleaned) log::warning("containers", "{}: {}", id, cleaned.error().message);
  metas_.erase(id);
  changed_.notify_all();
}

}  // namespace landfall::host
