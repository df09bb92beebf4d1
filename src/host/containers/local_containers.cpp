#include "host/containers/local_containers.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "io/fd_watch.h"
#include "io/process.h"

namespace landfall::host {
namespace fs = std::filesystem;
namespace {

// Host ids that containers get: far above people's and services', below what some programs take for
// negative.
constexpr std::uint32_t kFirstId = 0x1000'0000;
constexpr std::uint32_t kIdsEach = 65536;
constexpr std::uint32_t kRangesPerInstance = 1024;
constexpr std::uint32_t kInstanceSlots = 24;

std::unexpected<Error> unknown(const std::string& id) {
  return fail("container-unknown", fmt::format("there is no container {}", id), 404);
}
std::unexpected<Error> not_running(const std::string& id) {
  return fail("container-not-running", fmt::format("container {} is not running", id), 409);
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 128 && text.front() != '-' &&
         std::ranges::all_of(text, [](unsigned char c) { return std::isalnum(c) || c == '-'; });
}

Result<void> validate(const ContainerSpec& spec) {
  const auto refuse = [](std::string message) {
    return fail("invalid-container", std::move(message));
  };
  if (!is_name(spec.id)) return refuse(fmt::format("'{}' is not a container id", spec.id));
  if (!is_name(spec.group)) return refuse(fmt::format("'{}' is not a group name", spec.group));
  if (spec.image.empty() == spec.base_folders.empty()) {
    return refuse("a container needs either an image or base folders");
  }
  for (const auto& [name, value] : spec.environment) {
    if (name.empty() || name.find('=') != std::string::npos ||
        name.find('\0') != std::string::npos || value.find('\0') != std::string::npos) {
      return refuse(fmt::format("'{}' is not the name of an environment variable", name));
    }
  }
  return {};
}

}  // namespace

// One call at a time changes a container.
class LocalContainers::Turn {
 public:
  Turn(LocalContainers& of, std::string id) : of_(&of), id_(std::move(id)) {}
  Turn(Turn&& other) noexcept : of_(std::exchange(other.of_, nullptr)), id_(std::move(other.id_)) {}
  Turn& operator=(Turn&&) = delete;
  ~Turn() {
    if (!of_) return;
    of_->busy_.erase(id_);
    of_->changed_.notify_all();
  }

 private:
  LocalContainers* of_;
  std::string id_;
};

task<LocalContainers::Turn> LocalContainers::take_turn(std::string id) {
  while (busy_.contains(id)) co_await changed_.wait();
  busy_.insert(id);
  co_return Turn(*this, id);
}

LocalContainers::LocalContainers(io::Loop& loop, const Clock& clock, const Instance& instance,
                                 BlobStore* blobs)
    : loop_(loop),
      clock_(clock),
      instance_(instance),
      blobs_(blobs),
      run_("/run/landfall-" + instance.tag),
      changed_(loop),
      watchers_(loop) {}

LocalContainers::~LocalContainers() = default;

ContainerPaths LocalContainers::paths(const std::string& id) const {
  return {instance_.data_dir / "containers" / id, run_ / "containers" / id};
}

MonitorPaths LocalContainers::monitor_paths(const std::string& id) const {
  const ContainerPaths at = paths(id);
  return {at.run, run_ / "runc", at.exits(), at.log()};
}

std::string LocalContainers::cgroup_of(const Meta& meta) const {
  return fmt::format("{}/{}", group_cgroup(meta.group), meta.id);
}
std::string LocalContainers::group_cgroup(const std::string& group) const {
  return fmt::format("landfall-{}/{}", instance_.tag, group);
}

LocalContainers::Meta* LocalContainers::find_meta(const std::string& id) {
  const auto found = metas_.find(id);
  return found == metas_.end() ? nullptr : &found->second;
}

ContainerInfo LocalContainers::info(const Meta& meta) const {
  ContainerInfo out;
  out.id = meta.id;
  out.group = meta.group;
  out.state = meta.state;
  out.pid = meta.state == ContainerState::running ? meta.init_pid : 0;
  out.image_digest = meta.image_digest;
  out.log_path = paths(meta.id).log();
  out.created_at = meta.created_at;
  out.started_at = meta.started_at;
  out.exit = meta.exit;
  out.labels = meta.labels;
  return out;
}

std::optional<ContainerInfo> LocalContainers::find(const std::string& id) const {
  const auto found = metas_.find(id);
  if (found == metas_.end()) return std::nullopt;
  return info(found->second);
}

std::vector<ContainerInfo> LocalContainers::list() const {
  std::vector<ContainerInfo> out;
  for (const auto& [id, meta] : metas_) out.push_back(info(meta));
  return out;
}

task<Result<void>> LocalContainers::save(const std::string& id) {
  const auto found = metas_.find(id);
  if (found == metas_.end()) co_return Result<void>{};
  co_return co_await loop_.run_blocking(
      [path = paths(id).meta(), text = record::to_text(found->second)] {
        auto written = io::write_file(path, text, 0600);
        if (!written && written.error().code == "errno-ENOSPC") {
          return Result<void>(fail("disk-full", "the disk is full", 507));
        }
        return written;
      });
}

// The lowest range that no other group has; a group's containers share theirs, so that they can
// share files.
Result<IdRange> LocalContainers::allocate_range(const std::string& group) const {
  std::uint32_t slot = 0;
  std::from_chars(instance_.tag.data(), instance_.tag.data() + instance_.tag.size(), slot, 16);
  const std::uint32_t base = kFirstId + (slot % kInstanceSlots) * kRangesPerInstance * kIdsEach;
  if (!map_ids_) return IdRange{base, kIdsEach};
  std::set<std::uint32_t> taken;
  for (const auto& [id, meta] : metas_) {
    if (meta.group == group && meta.first_id != 0) return IdRange{meta.first_id, kIdsEach};
    taken.insert(meta.first_id);
  }
  for (std::uint32_t i = 0; i < kRangesPerInstance; ++i) {
    if (!taken.contains(base + i * kIdsEach)) return IdRange{base + i * kIdsEach, kIdsEach};
  }
  return fail("limits-refused",
              fmt::format("more than {} groups of containers at once", kRangesPerInstance), 500);
}

task<Result<ContainerInfo>> LocalContainers::create(ContainerSpec spec) {
  LF_CO_OK(validate(spec));
  const std::string id = spec.id;
  const Turn turn = co_await take_turn(id);
  if (const Meta* meta = find_meta(id)) {
    if (meta->state != ContainerState::creating) co_return info(*meta);
    co_await discard(id);
  }
  LF_CO_TRY(range, allocate_range(spec.group));
  Meta meta;
  meta.id = id;
  meta.group = spec.group;
  meta.labels = spec.labels;
  meta.first_id = range.first;
  meta.boot_id = boot_id_;
  meta.created_at = clock_.now();
  metas_[id] = std::move(meta);
  auto made = co_await build(std::move(spec));
  if (!made) co_await discard(id);
  co_return made;
}

task<Result<ContainerInfo>> LocalContainers::build(ContainerSpec spec) {
  const std::string id = spec.id;
  LF_CO_OK(io::make_directories(paths(id).data, 0700));
  LF_CO_OK(co_await save(id));

  BundleInput input;
  std::vector<LayerPin> pins;  // until meta.json names the layers
  if (!spec.image.empty()) {
    if (!images_) co_return fail("image-not-found", "there is no image store", 500);
    LF_CO_TRY(image, co_await images_->prepare(spec.image));
    input.image = image.config;
    for (const LayerPin& layer : image.layers) {
      input.layers.push_back(layers_->path(*layer));
      metas_[id].layers.push_back(*layer);
    }
    pins = std::move(image.layers);
    metas_[id].image_digest = image.manifest.str();
  } else {
    for (const std::string& folder : spec.base_folders) input.layers.emplace_back(folder);
  }
  const ResourceLimits group = spec.group_limits;
  const std::string group_path = group_cgroup(spec.group);
  metas_[id].group_cpu_millicores = group.cpu_quota_millicores;
  // runc prepares a container inside its group, and would take more of a small CPU limit than a
  // period has: the limit is set when a program starts.
  const std::string network = spec.network_namespace;
  input.spec = std::move(spec);
  input.range = {metas_[id].first_id, kIdsEach};
  input.map_ids = map_ids_;
  input.cgroup_path = cgroup_of(metas_[id]);
  input.paths = paths(id);
  if (const auto folder = writable_folder_ ? writable_folder_(metas_[id].group) : std::nullopt) {
    input.paths.writable = *folder / id;
    LF_CO_OK(io::make_directories(input.paths.writable, 0700));
  }
  LF_CO_TRY(bundle, co_await loop_.run_blocking([input = std::move(input), group, group_path,
                                                 cgroups = *cgroups_]() mutable -> Result<Bundle> {
    LF_OK(cgroups.make(
        group_path,
        {.cpu_shares = group.cpu_shares, .memory_bytes = group.memory_bytes, .pids = group.pids}));
    input.limit_swap = cgroups.limits_swap();
    return prepare_bundle(input);
  }));
  metas_[id].stop_signal = bundle.stop_signal;
  const auto place = [this](int pid) {
    return cgroups_->add_process(fmt::format("landfall-{}/_monitors", instance_.tag), pid);
  };
  LF_CO_TRY(started, co_await start_monitor(loop_, id, monitor_paths(id), network, place));
  Meta& meta = metas_[id];
  meta.monitor_pid = started.monitor_pid;
  meta.init_pid = started.init_pid;
  meta.monitor_start_time = io::process_start_time(started.monitor_pid).value_or(0);
  meta.init_start_time = io::process_start_time(started.init_pid).value_or(0);
  meta.state = ContainerState::created;
  LF_CO_OK(co_await save(id));
  begin_watch(id);
  co_return info(metas_[id]);
}

task<Result<ContainerInfo>> LocalContainers::start(std::string id) {
  const Turn turn = co_await take_turn(id);
  const Meta* meta = find_meta(id);
  if (!meta) co_return unknown(id);
  if (meta->state == ContainerState::creating) {
    co_return fail("runtime-failed", fmt::format("container {} was not created", id), 500);
  }
  if (meta->state != ContainerState::created) co_return info(*meta);
  // Written before: whatever happens from here, the program may have run.
  metas_[id].started_at = clock_.now();
  auto released = co_await loop_.run_blocking(
      [fifo = monitor_paths(id).start_fifo(id), init = meta->init_pid, cgroups = *cgroups_,
       group = group_cgroup(meta->group), cpu = meta->group_cpu_millicores]() -> Result<void> {
        LF_OK(cgroups.limit_cpu(group, cpu));
        return release_program(fifo, init);
      });
  Meta& now = metas_[id];
  if (now.state == ContainerState::exited) {
    if (!released) co_return std::unexpected(released.error());
    co_return info(now);
  }
  if (!released) co_return std::unexpected(released.error());
  now.state = ContainerState::running;
  changed_.notify_all();
  LF_CO_OK(co_await save(id));
  co_return info(metas_[id]);
}

task<Result<void>> LocalContainers::signal(std::string id, int number) {
  const Meta* meta = find_meta(id);
  if (!meta) co_return unknown(id);
  if (meta->state != ContainerState::running && meta->state != ContainerState::created) {
    co_return not_running(id);
  }
  // The descriptor first, then the look whether it is still the same process.
  const io::Fd process(int(::syscall(SYS_pidfd_open, meta->init_pid, 0)));
  if (!process || !io::process_alive(meta->init_pid, meta->init_start_time) ||
      ::syscall(SYS_pidfd_send_signal, process.get(), number, nullptr, 0) < 0) {
    co_return not_running(id);
  }
  co_return Result<void>{};
}

task<Result<ExitStatus>> LocalContainers::wait(std::string id) {
  for (;;) {
    const Meta* meta = find_meta(id);
    if (!meta) co_return unknown(id);
    if (meta->exit) co_return *meta->exit;
    co_await changed_.wait();
  }
}

task<Result<ExitStatus>> LocalContainers::stop(std::string id, Millis grace) {
  const Meta* meta = find_meta(id);
  if (!meta) co_return unknown(id);
  if (meta->state == ContainerState::creating) co_return not_running(id);
  if (meta->exit) co_return *meta->exit;
  const bool has_begun = meta->state == ContainerState::running;
  const int number = parse_signal(meta->stop_signal).value_or(SIGTERM);
  // What has not begun cannot be asked to stop.
  if (has_begun && grace > Millis(0) && co_await signal(id, number)) {
    auto ended = co_await io::with_timeout(loop_, grace, wait(id));
    if (ended || ended.error().code != "timeout") co_return ended;
  }
  co_await signal(id, SIGKILL);
  co_return co_await wait(id);
}

Result<ContainerStats> LocalContainers::stats(const std::string& id) {
  const Meta* meta = find_meta(id);
  if (!meta) return unknown(id);
  if (meta->state != ContainerState::running) return not_running(id);
  const auto usage = cgroups_->usage(cgroup_of(*meta));
  if (!usage) return not_running(id);
  return ContainerStats{.cpu_ns = usage->cpu_ns,
                        .memory_bytes = usage->memory_bytes,
                        .memory_working_bytes = usage->memory_working_bytes,
                        .memory_limit_bytes = usage->memory_limit_bytes,
                        .pids = usage->pids,
                        .oom_kills = cgroups_->oom_kills(cgroup_of(*meta))};
}

task<Result<void>> LocalContainers::remove(std::string id) {
  const Turn turn = co_await take_turn(id);
  if (!find_meta(id)) co_return Result<void>{};
  co_await discard(id);
  co_return Result<void>{};
}

task<Result<std::size_t>> LocalContainers::sweep_layers() {
  std::set<std::string> used;
  for (const auto& [id, meta] : metas_) used.insert(meta.layers.begin(), meta.layers.end());
  if (!layers_) co_return std::size_t(0);
  co_return co_await layers_->sweep(std::move(used));
}

}  // namespace landfall::host
