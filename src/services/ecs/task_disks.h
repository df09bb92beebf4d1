// Disks of tasks on this machine.
#pragma once

#include "services/ecs/neighbours.h"

namespace landfall::ecs {

inline constexpr const char* kDisksFolder = "disks";  // in the data folder

class TaskDisks final : public Disks {
 public:
  explicit TaskDisks(host::ScratchDisks& disks) : disks_(disks) {}
  task<Result<std::filesystem::path>> make(std::string task, int gib) override {
    return disks_.make(std::move(task), static_cast<std::uint64_t>(gib) << 30);
  }
  task<Result<void>> remove(std::string task) override { return disks_.remove(std::move(task)); }
  std::vector<std::string> list() const override { return disks_.list(); }
  Result<host::DiskUsage> usage(const std::string& task) const override {
    return disks_.usage(task);
  }

 private:
  host::ScratchDisks& disks_;
};

}  // namespace landfall::ecs
