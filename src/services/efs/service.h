// EFS and what it depends on.
//
// A file system is a folder, DATA/efs/<account>/<region>/<id>, whose owners are those that the
// containers see. Tasks get it bind-mounted: there is no NFS server (ADR 36).
#pragma once

#include <filesystem>

#include "base/random.h"
#include "io/exclusive.h"
#include "services/ec2/port.h"
#include "services/efs/port.h"
#include "services/efs/records.h"
#include "store/table.h"
#include "wire/context.h"
#include "wire/efs/types.h"

namespace landfall::efs {

struct Efs final : Port {
  Efs(io::Loop& event_loop, store::Store& state, const Clock& time, Random& chance,
      ec2::Port& networks, std::filesystem::path root)
      : loop(event_loop),
        store(state),
        clock(time),
        random(chance),
        ec2(networks),
        folder(std::move(root)) {}

  io::Loop& loop;
  store::Store& store;
  const Clock& clock;
  Random& random;
  ec2::Port& ec2;
  std::filesystem::path folder;
  // Held by whoever makes or deletes something, from the first look to the commit.
  io::Exclusive writing{loop};
  // Sizes as they were last counted, by file system: counting a large one takes its time.
  struct Size {
    std::int64_t bytes = 0;
    TimePoint at{};
  };
  std::map<std::string, Size> sizes;

  store::Table<FileSystemRecord> file_systems(const Scope& scope) const;
  store::Table<MountTargetRecord> mount_targets(const Scope& scope) const;
  store::Table<AccessPointRecord> access_points(const Scope& scope) const;
  std::filesystem::path folder_of(const Scope& scope, const std::string& file_system) const;
  std::vector<store::Row<MountTargetRecord>> targets_of(const Scope& scope,
                                                        const std::string& file_system) const;

  // Finishes what a crash has cut off. Before the first request.
  task<Result<void>> recover();

  Result<io::Fd> mount(const MountRequest& request) override;
};

// By id or ARN. Errors: FileSystemNotFound, MountTargetNotFound, AccessPointNotFound.
Result<store::Row<FileSystemRecord>> find_file_system(const Efs& efs, const Scope& scope,
                                                      std::string_view reference);
Result<store::Row<MountTargetRecord>> find_mount_target(const Efs& efs, const Scope& scope,
                                                        std::string_view id);
Result<store::Row<AccessPointRecord>> find_access_point(const Efs& efs, const Scope& scope,
                                                        std::string_view reference);

// The interface of a mount target: made (again), or removed with its record. Errors: those of EC2.
task<Result<void>> connect(Efs& efs, Scope scope, std::string id);
task<Result<void>> disconnect(Efs& efs, Scope scope, std::string id);

task<FileSystemDescription> describe(Efs& efs, Scope scope, FileSystemRecord record);
MountTargetDescription describe(const Scope& scope, const MountTargetRecord& record);
AccessPointDescription describe(const Scope& scope, const AccessPointRecord& record);
wire::List<Tag> to_api(const Tags& tags);
// Error: BadRequest.
Result<void> add_tags(Tags& tags, const wire::List<Tag>& more);

inline constexpr std::uint16_t kNfsPort = 2049;

}  // namespace landfall::efs
