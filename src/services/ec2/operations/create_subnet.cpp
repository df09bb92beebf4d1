// operations: CreateSubnet, CreateDefaultSubnet
#include "services/ec2/operations/operation.h"
#include "services/ec2/regions.h"

namespace landfall::ec2 {
namespace {

Result<std::string> pick_zone(const Scope& scope, const std::optional<std::string>& name,
                              const std::optional<std::string>& id) {
  const auto zones = zones_of(scope.region);
  if (!name && !id) return zones.front().name;
  std::string known;
  for (const Zone& zone : zones) {
    if ((name && *name == zone.name) || (id && *id == zone.id)) return zone.name;
    known += (known.empty() ? "" : ", ") + zone.name;
  }
  return fail(
      "InvalidParameterValue",
      fmt::format(
          "Value ({}) for parameter availabilityZone is invalid. Subnets can currently only be "
          "created in the following availability zones: {}.",
          name ? *name : *id, known));
}

std::optional<Cidr> free_block(const Tables& tables, const VpcRecord& vpc, int length) {
  const Cidr whole = *Cidr::parse(vpc.cidr);
  for (std::uint64_t at = 0; at < whole.size(); at += std::uint64_t{1} << (32 - length)) {
    const Cidr block{whole.base + static_cast<std::uint32_t>(at), length};
    const bool taken = std::ranges::any_of(tables.subnets.list(), [&](const auto& row) {
      return row.value.vpc_id == vpc.id && Cidr::parse(row.value.cidr)->overlaps(block);
    });
    if (!taken) return block;
  }
  return {};
}

}  // namespace

task<Result<CreateSubnetResponse>> create_subnet(Ec2& ec2, const RequestContext& ctx,
                                                 CreateSubnetRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  LF_CO_TRY(tags, read_tags(in.tag_specifications, kinds::kSubnet));
  const auto guard = co_await ec2.writing.enter();
  LF_CO_TRY(vpc, find(tables.vpcs, kinds::kVpc, in.vpc_id));
  LF_CO_TRY(zone, pick_zone(ctx.scope, in.availability_zone, in.availability_zone_id));
  if (!in.cidr_block)
    co_return fail("MissingParameter", "The request must contain the parameter cidrBlock");
  const auto block = Cidr::parse(*in.cidr_block);
  if (!block) {
    co_return fail(
        "InvalidParameterValue",
        fmt::format(
            "Value ({}) for parameter cidrBlock is invalid. This is not a valid CIDR block.",
            *in.cidr_block));
  }
  if (block->length < 16 || block->length > 28 || !Cidr::parse(vpc.value.cidr)->contains(*block)) {
    co_return fail("InvalidSubnet.Range", fmt::format("The CIDR '{}' is invalid.", *in.cidr_block));
  }
  for (const auto& row : tables.subnets.list()) {
    if (row.value.vpc_id == vpc.id && Cidr::parse(row.value.cidr)->overlaps(*block)) {
      co_return fail("InvalidSubnet.Conflict",
                     fmt::format("The CIDR '{}' conflicts with another subnet", *in.cidr_block));
    }
  }
  SubnetRecord subnet;
  subnet.id = ec2.new_id("subnet");
  subnet.vpc_id = vpc.id;
  subnet.cidr = block->str();
  subnet.zone = zone;
  subnet.tags = tags;
  LF_CO_OK(co_await save(ec2, tables.subnets, subnet));
  CreateSubnetResponse out;
  out.subnet = describe(tables, subnet, {});
  co_return out;
}

task<Result<CreateDefaultSubnetResponse>> create_default_subnet(Ec2& ec2, const RequestContext& ctx,
                                                                CreateDefaultSubnetRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  const auto guard = co_await ec2.writing.enter();
  LF_CO_TRY(zone, pick_zone(ctx.scope, in.availability_zone, in.availability_zone_id));
  const auto defaults = tables.defaults.get("default");
  const auto vpc = defaults ? tables.vpcs.get(defaults->value.vpc_id) : std::nullopt;
  if (!vpc)
    co_return fail("DefaultVpcDoesNotExist",
                   "No default VPC exists for this account in this region.");
  for (const auto& row : tables.subnets.list()) {
    if (row.value.vpc_id == vpc->id && row.value.default_for_zone && row.value.zone == zone) {
      co_return fail("DefaultSubnetAlreadyExistsInAvailabilityZone",
                     fmt::format("'{}' is already the default subnet in {}.", row.id, zone));
    }
  }
  const auto block = free_block(tables, vpc->value, 20);
  if (!block)
    co_return fail("InsufficientCidrBlocks", "The default VPC has no free block for a subnet.");
  SubnetRecord subnet;
  subnet.id = ec2.new_id("subnet");
  subnet.vpc_id = vpc->id;
  subnet.cidr = block->str();
  subnet.zone = zone;
  subnet.default_for_zone = subnet.map_public_ip_on_launch = true;
  LF_CO_OK(co_await save(ec2, tables.subnets, subnet));
  CreateDefaultSubnetResponse out;
  out.subnet = describe(tables, subnet, {});
  co_return out;
}

}  // namespace landfall::ec2
