// operations: CreateFileSystem, DescribeFileSystems, DeleteFileSystem
// operations: DescribeLifecycleConfiguration
#include "services/efs/service.h"
#include "store/pagination.h"
#include "wire/efs/errors.h"
#include "wire/efs/operations.h"

namespace landfall::efs {
namespace {

// What would be promised and not kept.
Result<void> check_settings(Efs& efs, const Scope& scope, const CreateFileSystemRequest& in) {
  if (in.encrypted.value_or(false) || in.kms_key_id)
    return errors::bad_request("Encrypted file systems are not supported.");
  if (in.performance_mode.value_or("generalPurpose") != "generalPurpose")
    return errors::bad_request(
        fmt::format("PerformanceMode {} is not supported: the one mode is generalPurpose.",
                    *in.performance_mode));
  if (in.throughput_mode.value_or("bursting") == "provisioned" ||
      in.provisioned_throughput_in_mibps)
    return errors::bad_request(
        "ThroughputMode provisioned is not supported: throughput is what the disk gives.");
  if (in.backup.value_or(false))
    return errors::bad_request("Backup is not supported: there is no AWS Backup.");
  if (in.availability_zone_name) {
    const auto zones = efs.ec2.availability_zones(scope.region);
    if (std::ranges::find(zones, *in.availability_zone_name) == zones.end())
      return errors::unsupported_availability_zone(
          fmt::format("The Availability Zone {} does not exist.", *in.availability_zone_name));
  }
  return {};
}

}  // namespace

task<Result<CreateFileSystemResponse>> create_file_system(Efs& efs, const RequestContext& ctx,
                                                          CreateFileSystemRequest in) {
  LF_CO_OK(check_settings(efs, ctx.scope, in));
  FileSystemRecord record;
  record.id = "fs-" + efs.random.hex(17);
  record.creation_token = std::move(in.creation_token);
  record.throughput_mode = in.throughput_mode.value_or("bursting");
  record.availability_zone = in.availability_zone_name.value_or("");
  record.created_at = ctx.now;
  LF_CO_OK(add_tags(record.tags, in.tags));
  const auto guard = co_await efs.writing.enter();
  const auto table = efs.file_systems(ctx.scope);
  for (const auto& row : table.list()) {
    if (row.value.creation_token != record.creation_token) continue;
    co_return errors::file_system_already_exists(
        fmt::format("File system '{}' already exists with creation token '{}'", row.id,
                    record.creation_token),
        {{"FileSystemId", row.id}, {"ErrorCode", "FileSystemAlreadyExists"}});
  }
  // The folder first: one without a record is removed at the next start.
  LF_CO_OK(io::make_directories(efs.folder_of(ctx.scope, record.id).parent_path(), 0700));
  LF_CO_OK(io::make_directories(efs.folder_of(ctx.scope, record.id), 0755));
  LF_CO_OK(co_await efs.store.commit({{table.absent(record.id)}, {table.put(record.id, record)}}));
  co_return co_await describe(efs, ctx.scope, std::move(record));
}

task<Result<DescribeFileSystemsResponse>> describe_file_systems(Efs& efs, const RequestContext& ctx,
                                                                DescribeFileSystemsRequest in) {
  std::vector<store::Row<FileSystemRecord>> rows;
  if (in.file_system_id) {
    LF_CO_TRY(row, find_file_system(efs, ctx.scope, *in.file_system_id));
    rows.push_back(std::move(row));
  } else {
    auto after = store::read_page_token("file-systems", in.marker);
    if (!after) co_return errors::bad_request("The Marker is invalid.");
    rows = efs.file_systems(ctx.scope).list({}, *after);
  }
  std::erase_if(rows, [&](const auto& row) {
    return in.creation_token && row.value.creation_token != *in.creation_token;
  });
  DescribeFileSystemsResponse out;
  out.file_systems.present = true;
  out.marker = in.marker;
  out.next_marker = store::cut_page(
      rows, static_cast<std::size_t>(in.max_items.value_or(100)),
      [](const auto& row) { return row.id; }, "file-systems");
  for (auto& row : rows)
    out.file_systems.push_back(co_await describe(efs, ctx.scope, std::move(row.value)));
  co_return out;
}

task<Result<DeleteFileSystemResponse>> delete_file_system(Efs& efs, const RequestContext& ctx,
                                                          DeleteFileSystemRequest in) {
  const auto guard = co_await efs.writing.enter();
  LF_CO_TRY(row, find_file_system(efs, ctx.scope, in.file_system_id));
  if (!efs.targets_of(ctx.scope, row.id).empty())
    co_return errors::file_system_in_use(fmt::format("file system {} has mount targets", row.id));
  store::Transaction change;
  change.operations.push_back(efs.file_systems(ctx.scope).remove(row.id));
  for (const auto& point : efs.access_points(ctx.scope).list()) {
    if (point.value.file_system == row.id)
      change.operations.push_back(efs.access_points(ctx.scope).remove(point.id));
  }
  LF_CO_OK(co_await efs.store.commit(std::move(change)));
  efs.sizes.erase(row.id);
  // A crash from here on leaves a folder, which the next start removes.
  LF_CO_OK(co_await efs.loop.run_blocking(
      [folder = efs.folder_of(ctx.scope, row.id)] { return io::remove_tree(folder); }));
  co_return DeleteFileSystemResponse{};
}

// Files never move to another storage class: the configuration is empty, as it is at first on AWS.
task<Result<DescribeLifecycleConfigurationResponse>> describe_lifecycle_configuration(
    Efs& efs, const RequestContext& ctx, DescribeLifecycleConfigurationRequest in) {
  if (auto found = find_file_system(efs, ctx.scope, in.file_system_id); !found)
    co_return std::unexpected(found.error());
  DescribeLifecycleConfigurationResponse out;
  out.lifecycle_policies.present = true;
  co_return out;
}

}  // namespace landfall::efs
