// operations: CreateMountTarget, DescribeMountTargets, DeleteMountTarget,
// operations: DescribeMountTargetSecurityGroups, ModifyMountTargetSecurityGroups
#include "services/efs/service.h"
#include "store/pagination.h"
#include "wire/efs/errors.h"
#include "wire/efs/operations.h"

namespace landfall::efs {
namespace {

constexpr std::size_t kMostGroups = 5;

Result<void> check_groups(Efs& efs, const Scope& scope, const wire::List<std::string>& groups,
                          const std::string& vpc) {
  if (groups.size() > kMostGroups)
    return errors::security_group_limit_exceeded(
        fmt::format("A mount target can have at most {} security groups.", kMostGroups));
  for (const std::string& group : groups) {
    const auto of = efs.ec2.vpc_of_security_group(scope, group);
    if (!of || *of != vpc)
      return errors::security_group_not_found(
          fmt::format("One of the provided security groups does not exist in {}: {}", vpc, group));
  }
  return {};
}

// One in each zone, all in one VPC.
Result<void> check_place(Efs& efs, const Scope& scope, const FileSystemRecord& of,
                         const ec2::SubnetInfo& subnet) {
  if (!of.availability_zone.empty() && of.availability_zone != subnet.availability_zone)
    return errors::availability_zones_mismatch(fmt::format("{} is in {}, the file system in {}.",
                                                           subnet.id, subnet.availability_zone,
                                                           of.availability_zone));
  for (const auto& other : efs.targets_of(scope, of.id)) {
    if (other.value.vpc != subnet.vpc_id)
      return errors::mount_target_conflict(
          fmt::format("requested subnet for new mount target is not in the same VPC as existing "
                      "mount targets: {}",
                      other.value.vpc));
    if (other.value.availability_zone == subnet.availability_zone)
      return errors::mount_target_conflict("mount target already exists in this AZ");
  }
  return {};
}

std::unexpected<Error> to_api(const Error& error) {
  if (error.code == "InsufficientFreeAddressesInSubnet")
    return errors::no_free_addresses_in_subnet(error.message);
  if (error.code == "InvalidIPAddress.InUse") return errors::ip_address_in_use(error.message);
  if (error.http_status >= 500) return std::unexpected(error);
  return errors::bad_request(error.message);
}

}  // namespace

task<Result<CreateMountTargetResponse>> create_mount_target(Efs& efs, const RequestContext& ctx,
                                                            CreateMountTargetRequest in) {
  const Scope& scope = ctx.scope;
  if (in.ipv6_address || in.ip_address_type.value_or("IPV4_ONLY") != "IPV4_ONLY")
    co_return errors::bad_request("IPv6 is not supported.");
  const auto guard = co_await efs.writing.enter();
  LF_CO_TRY(of, find_file_system(efs, scope, in.file_system_id));
  const auto subnet = efs.ec2.find_subnet(scope, in.subnet_id);
  if (!subnet)
    co_return errors::subnet_not_found(
        fmt::format("The subnet ID '{}' does not exist", in.subnet_id));
  LF_CO_OK(check_groups(efs, scope, in.security_groups, subnet->vpc_id));
  if (in.ip_address) {
    const auto address = Ipv4::parse(*in.ip_address);
    if (!address || !subnet->block.contains(*address))
      co_return errors::bad_request(
          fmt::format("The address {} is not in {}.", *in.ip_address, in.subnet_id));
  }
  LF_CO_OK(check_place(efs, scope, of.value, *subnet));
  MountTargetRecord record;
  record.id = "fsmt-" + efs.random.hex(17);
  record.file_system = of.id;
  record.subnet = subnet->id;
  record.vpc = subnet->vpc_id;
  record.availability_zone = subnet->availability_zone;
  record.security_groups = in.security_groups;
  record.address = in.ip_address.value_or("");
  LF_CO_OK(co_await efs.store.commit({{}, {efs.mount_targets(scope).put(record.id, record)}}));
  if (auto made = co_await connect(efs, scope, record.id); !made) {
    (void)co_await disconnect(efs, scope, record.id);
    co_return to_api(made.error());
  }
  LF_CO_TRY(row, find_mount_target(efs, scope, record.id));
  co_return describe(scope, row.value);
}

task<Result<DescribeMountTargetsResponse>> describe_mount_targets(Efs& efs,
                                                                  const RequestContext& ctx,
                                                                  DescribeMountTargetsRequest in) {
  if (int(in.file_system_id.has_value()) + int(in.mount_target_id.has_value()) +
          int(in.access_point_id.has_value()) !=
      1)
    co_return errors::bad_request("Specify one of FileSystemId, MountTargetId and AccessPointId.");
  std::vector<store::Row<MountTargetRecord>> rows;
  if (in.mount_target_id) {
    LF_CO_TRY(row, find_mount_target(efs, ctx.scope, *in.mount_target_id));
    rows.push_back(std::move(row));
  } else {
    std::string file_system = in.file_system_id.value_or("");
    if (in.access_point_id) {
      LF_CO_TRY(point, find_access_point(efs, ctx.scope, *in.access_point_id));
      file_system = point.value.file_system;
    }
    LF_CO_TRY(of, find_file_system(efs, ctx.scope, file_system));
    rows = efs.targets_of(ctx.scope, of.id);
  }
  DescribeMountTargetsResponse out;
  out.mount_targets.present = true;
  for (const auto& row : rows) out.mount_targets.push_back(describe(ctx.scope, row.value));
  co_return out;
}

task<Result<DeleteMountTargetResponse>> delete_mount_target(Efs& efs, const RequestContext& ctx,
                                                            DeleteMountTargetRequest in) {
  LF_CO_TRY(row, find_mount_target(efs, ctx.scope, in.mount_target_id));
  auto marked = co_await efs.mount_targets(ctx.scope).update(
      row.id, [](MountTargetRecord& record) -> Result<bool> { return record.deleting = true; });
  if (!marked && marked.error().code != "not-found") co_return std::unexpected(marked.error());
  LF_CO_OK(co_await disconnect(efs, ctx.scope, row.id));
  co_return DeleteMountTargetResponse{};
}

task<Result<DescribeMountTargetSecurityGroupsResponse>> describe_mount_target_security_groups(
    Efs& efs, const RequestContext& ctx, DescribeMountTargetSecurityGroupsRequest in) {
  LF_CO_TRY(row, find_mount_target(efs, ctx.scope, in.mount_target_id));
  DescribeMountTargetSecurityGroupsResponse out;
  out.security_groups = row.value.security_groups;
  co_return out;
}

task<Result<ModifyMountTargetSecurityGroupsResponse>> modify_mount_target_security_groups(
    Efs& efs, const RequestContext& ctx, ModifyMountTargetSecurityGroupsRequest in) {
  LF_CO_TRY(row, find_mount_target(efs, ctx.scope, in.mount_target_id));
  if (row.value.deleting || row.value.interface_id.empty())
    co_return errors::incorrect_mount_target_state("The mount target is not available.");
  wire::List<std::string> groups = in.security_groups;
  if (groups.empty()) {
    if (const auto vpc = efs.ec2.find_vpc(ctx.scope, row.value.vpc))
      groups = {vpc->default_security_group_id};
  }
  LF_CO_OK(check_groups(efs, ctx.scope, groups, row.value.vpc));
  LF_CO_OK(co_await efs.ec2.set_security_groups(ctx.scope, row.value.interface_id, groups));
  auto noted = co_await efs.mount_targets(ctx.scope).update(
      row.id, [&](MountTargetRecord& record) -> Result<bool> {
        record.security_groups = groups;
        return true;
      });
  if (!noted) co_return std::unexpected(noted.error());
  co_return ModifyMountTargetSecurityGroupsResponse{};
}

}  // namespace landfall::efs
