// operations: CreateVpc, CreateDefaultVpc
#include "services/ec2/operations/operation.h"

namespace landfall::ec2 {

task<Result<CreateVpcResponse>> create_vpc(Ec2& ec2, const RequestContext& ctx,
                                           CreateVpcRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  if (!in.cidr_block) {
    co_return fail("MissingParameter",
                   "Either 'cidrBlock' or 'ipv4IpamPoolId' should be provided.");
  }
  const auto block = Cidr::parse(*in.cidr_block);
  if (!block) {
    co_return fail(
        "InvalidParameterValue",
        fmt::format(
            "Value ({}) for parameter cidrBlock is invalid. This is not a valid CIDR block.",
            *in.cidr_block));
  }
  if (block->length < 16 || block->length > 28) {
    co_return fail("InvalidVpc.Range", fmt::format("The CIDR '{}' is invalid.", *in.cidr_block));
  }
  // The addresses of Landfall's own services inside every VPC, and the pool that stands for the
  // internet.
  if (block->overlaps(*Cidr::parse("169.254.0.0/16")) || block->overlaps(ec2.public_pool)) {
    co_return fail("InvalidVpc.Range", fmt::format("The CIDR '{}' is reserved.", *in.cidr_block));
  }
  if (in.instance_tenancy.value_or("default") != "default") {
    co_return fail("InvalidParameterValue", "Landfall has default tenancy only.");
  }
  if (in.amazon_provided_ipv6_cidr_block.value_or(false) || in.ipv6_cidr_block) {
    co_return fail("InvalidParameterValue", "Landfall's networks have IPv4 only.");
  }
  LF_CO_TRY(tags, read_tags(in.tag_specifications, kinds::kVpc));
  const auto guard = co_await ec2.writing.enter();
  VpcRecord vpc;
  vpc.id = ec2.new_id("vpc");
  vpc.cidr = block->str();
  vpc.tags = tags;
  for (const auto& row : tables.dhcp_options.list()) {
    if (row.value.by_amazon) vpc.dhcp_options_id = row.id;
  }
  store::Transaction transaction;
  add_vpc(ec2, tables, vpc, transaction);
  LF_CO_OK(co_await commit(ec2, std::move(transaction)));
  CreateVpcResponse out;
  out.vpc = describe(tables, vpc);
  out.vpc->state = "pending";  // what AWS says at first; the next Describe says "available"
  co_return out;
}

task<Result<CreateDefaultVpcResponse>> create_default_vpc(Ec2& ec2, const RequestContext& ctx,
                                                          CreateDefaultVpcRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  const auto guard = co_await ec2.writing.enter();
  const auto defaults = tables.defaults.get("default");
  if (defaults && tables.vpcs.get(defaults->value.vpc_id)) {
    co_return fail("DefaultVpcAlreadyExists",
                   "A Default VPC already exists for this account in this region.");
  }
  LF_CO_TRY(vpc, co_await make_default_vpc(ec2, ctx.scope));
  CreateDefaultVpcResponse out;
  out.vpc = describe(tables, vpc);
  co_return out;
}

}  // namespace landfall::ec2
