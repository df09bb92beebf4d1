// operations: CreateAccessPoint, DescribeAccessPoints, DeleteAccessPoint
#include "services/efs/service.h"
#include "store/pagination.h"
#include "wire/efs/errors.h"
#include "wire/efs/operations.h"

namespace landfall::efs {

task<Result<CreateAccessPointResponse>> create_access_point(Efs& efs, const RequestContext& ctx,
                                                            CreateAccessPointRequest in) {
  const auto guard = co_await efs.writing.enter();
  LF_CO_TRY(of, find_file_system(efs, ctx.scope, in.file_system_id));
  if (in.posix_user)
    co_return errors::bad_request(
        "PosixUser is not supported: files belong to the users that containers run as.");
  AccessPointRecord record;
  record.id = "fsap-" + efs.random.hex(17);
  record.file_system = of.id;
  record.client_token = std::move(in.client_token);
  LF_CO_OK(add_tags(record.tags, in.tags));
  if (in.root_directory) {
    record.path = in.root_directory->path.value_or("/");
    if (const auto& info = in.root_directory->creation_info)
      record.creation = Creation{info->owner_uid, info->owner_gid, info->permissions};
  }
  const auto table = efs.access_points(ctx.scope);
  for (const auto& row : table.list()) {
    if (row.value.client_token != record.client_token) continue;
    if (row.value.file_system == record.file_system && row.value.path == record.path)
      co_return describe(ctx.scope, row.value);
    co_return errors::access_point_already_exists(
        fmt::format("Access point '{}' already exists with this client token.", row.id),
        {{"AccessPointId", row.id}, {"ErrorCode", "AccessPointAlreadyExists"}});
  }
  LF_CO_OK(co_await efs.store.commit({{}, {table.put(record.id, record)}}));
  co_return describe(ctx.scope, record);
}

task<Result<DescribeAccessPointsResponse>> describe_access_points(Efs& efs,
                                                                  const RequestContext& ctx,
                                                                  DescribeAccessPointsRequest in) {
  std::vector<store::Row<AccessPointRecord>> rows;
  if (in.access_point_id && in.file_system_id)
    co_return errors::bad_request("Specify AccessPointId or FileSystemId, not both.");
  if (in.access_point_id) {
    LF_CO_TRY(row, find_access_point(efs, ctx.scope, *in.access_point_id));
    rows.push_back(std::move(row));
  } else {
    auto after = store::read_page_token("access-points", in.next_token);
    if (!after) co_return errors::bad_request("The NextToken is invalid.");
    rows = efs.access_points(ctx.scope).list({}, *after);
  }
  if (in.file_system_id) {
    LF_CO_TRY(of, find_file_system(efs, ctx.scope, *in.file_system_id));
    std::erase_if(rows, [&](const auto& row) { return row.value.file_system != of.id; });
  }
  DescribeAccessPointsResponse out;
  out.access_points.present = true;
  out.next_token = store::cut_page(
      rows, static_cast<std::size_t>(in.max_results.value_or(100)),
      [](const auto& row) { return row.id; }, "access-points");
  for (const auto& row : rows) out.access_points.push_back(describe(ctx.scope, row.value));
  co_return out;
}

// Tasks that have it mounted keep it, as on AWS.
task<Result<DeleteAccessPointResponse>> delete_access_point(Efs& efs, const RequestContext& ctx,
                                                            DeleteAccessPointRequest in) {
  LF_CO_TRY(row, find_access_point(efs, ctx.scope, in.access_point_id));
  LF_CO_OK(co_await efs.store.commit({{}, {efs.access_points(ctx.scope).remove(row.id)}}));
  co_return DeleteAccessPointResponse{};
}

}  // namespace landfall::efs
