// Containers on this machine: runc under conmon, overlayfs over shared layers, control groups.
//
// On disk, DATA/containers/<id>/: meta.json (what list() needs after a restart; no environment,
// which may hold secrets), log, exit/<id>, upper/ and work/. Below /run/landfall-<tag>/: mounts,
// the runtime's configuration and state; a reboot clears it, and with it every container ends
// ("host-restarted").
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "base/random.h"
#include "host/cgroup/cgroup.h"
#include "host/containers/bundle.h"
#include "host/containers/containers.h"
#include "host/containers/monitor.h"
#include "host/containers/terminals.h"
#include "host/images/images.h"
#include "host/instance.h"

namespace landfall::host {

class LocalContainers final : public Containers, public Terminals {
 public:
  // `blobs` may be null where containers have base folders only.
  LocalContainers(io::Loop& loop, const Clock& clock, const Instance& instance, BlobStore* blobs);
  ~LocalContainers() override;

  // Where the containers of a group write what lies above their image: a folder that is there
  // before the group's first container and longer than its last. None: beside their records.
  using WritableFolder =
      std::function<std::optional<std::filesystem::path>(const std::string& group)>;
  void set_writable_folder(WritableFolder of) { writable_folder_ = std::move(of); }

  // Finds what is there and begins to watch it. Call once, before anything else. Errors:
  // "kernel-feature-missing", "program-missing", errno-*.
  task<Result<void>> open();
  // Stops watching; the containers live on.
  task<void> close();

  task<Result<ContainerInfo>> create(ContainerSpec spec) override;
  task<Result<ContainerInfo>> start(std::string id) override;
  task<Result<void>> signal(std::string id, int signal) override;
  task<Result<ExitStatus>> stop(std::string id, Millis grace) override;
  task<Result<ExitStatus>> wait(std::string id) override;
  task<Result<ExecResult>> exec(std::string id, ExecRequest request) override;
  task<Result<std::unique_ptr<TerminalSession>>> open_terminal(std::string id,
                                                               ExecRequest request) override;
  Result<ContainerStats> stats(const std::string& id) override;
  std::optional<ContainerInfo> find(const std::string& id) const override;
  std::vector<ContainerInfo> list() const override;
  task<Result<void>> remove(std::string id) override;

  // Removes unpacked layers that no container uses. Gives how many.
  task<Result<std::size_t>> sweep_layers();

  // What is kept of a container in meta.json.
  struct Meta {
    std::string id;
    std::string group;
    ContainerState state = ContainerState::creating;
    std::map<std::string, std::string> labels;
    std::string image_digest;
    std::vector<std::string> layers;
    std::uint32_t first_id = 0;
    std::uint64_t group_cpu_millicores = 0;  // of its group's limits; holds once one of it starts
    std::string stop_signal;
    std::string boot_id;
    int monitor_pid = 0;
    std::uint64_t monitor_start_time = 0;
    int init_pid = 0;
    std::uint64_t init_start_time = 0;
    TimePoint created_at = {};
    std::optional<TimePoint> started_at;
    std::optional<ExitStatus> exit;
  };

 private:
  class Turn;
  task<Turn> take_turn(std::string id);
  ContainerPaths paths(const std::string& id) const;
  MonitorPaths monitor_paths(const std::string& id) const;
  std::string cgroup_of(const Meta& meta) const;
  std::string group_cgroup(const std::string& group) const;
  ContainerInfo info(const Meta& meta) const;
  Meta* find_meta(const std::string& id);
  task<Result<void>> save(const std::string& id);
  struct Inside;  // a command inside a container: its files and its `runc exec`
  Result<Inside> prepare_inside(const std::string& id, const ExecRequest& request, bool terminal);
  Result<IdRange> allocate_range(const std::string& group) const;

  task<Result<ContainerInfo>> build(ContainerSpec spec);
  task<void> discard(std::string id);
  void adopt(const std::string& id);
  void begin_watch(const std::string& id);
  task<void> watch(std::string id, int monitor_pid, std::uint64_t start_time);
  task<void> record_end(std::string id, int monitor_pid, std::uint64_t start_time);
  task<void> trim_logs();

  io::Loop& loop_;
  const Clock& clock_;
  Instance instance_;
  BlobStore* blobs_;
  WritableFolder writable_folder_;
  std::filesystem::path run_;
  std::string boot_id_;
  bool map_ids_ = true;
  std::optional<Cgroups> cgroups_;
  std::unique_ptr<LayerStore> layers_;
  std::unique_ptr<Images> images_;
  std::map<std::string, Meta> metas_;
  std::set<std::string> busy_;
  io::Event changed_;
  io::TaskScope watchers_;
  std::uint64_t exec_counter_ = 0;
};

LF_RECORD(LocalContainers::Meta, id, group, state, labels, image_digest, layers, first_id,
          group_cpu_millicores, stop_signal, boot_id, monitor_pid, monitor_start_time, init_pid,
          init_start_time, created_at, started_at, exit)

}  // namespace landfall::host
