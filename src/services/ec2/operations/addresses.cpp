// operations: AllocateAddress, ReleaseAddress, DescribeAddresses, DescribeAddressesAttribute
#include "services/ec2/elastic.h"
#include "services/ec2/operations/operation.h"

namespace landfall::ec2 {
namespace {

Address describe_address(const Tables& tables, const ElasticAddressRecord& record) {
  Address out;
  out.allocation_id = record.allocation_id;
  out.public_ip = record.address;
  out.domain = "vpc";
  out.public_ipv4_pool = "amazon";
  out.network_border_group = tables.scope.region;
  if (const auto holder = holder_of(tables, record)) {
    out.association_id = holder->association_id;
    out.network_interface_id = holder->id;
    out.network_interface_owner_id = tables.scope.account;
    out.private_ip_address = holder->address;
  }
  out.tags = describe_tags(record.tags);
  return out;
}

Facts facts_of_address(const Tables& tables, const ElasticAddressRecord& record) {
  Facts facts = {{"allocation-id", {record.allocation_id}},
                 {"association-id", {}},
                 {"domain", {"vpc"}},
                 {"instance-id", {}},
                 {"network-border-group", {tables.scope.region}},
                 {"network-interface-id", {}},
                 {"network-interface-owner-id", {}},
                 {"private-ip-address", {}},
                 {"public-ip", {record.address}}};
  const auto holder = record.allocation_id.empty() ? std::nullopt : holder_of(tables, record);
  if (holder) {
    facts["association-id"] = {holder->association_id};
    facts["network-interface-id"] = {holder->id};
    facts["network-interface-owner-id"] = {tables.scope.account};
    facts["private-ip-address"] = {holder->address};
  }
  return facts;
}

}  // namespace

task<Result<AllocateAddressResponse>> allocate_address(Ec2& ec2, const RequestContext& ctx,
                                                       AllocateAddressRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  if (in.domain.value_or("vpc") != "vpc") {
    co_return fail("InvalidParameterValue", "Addresses are for VPCs (Domain=vpc).");
  }
  if (in.address || in.ipam_pool_id || in.customer_owned_ipv4_pool ||
      in.public_ipv4_pool.value_or("amazon") != "amazon") {
    co_return fail("InvalidParameterValue",
                   "Addresses come from Landfall's public pool and cannot be chosen.");
  }
  LF_CO_TRY(tags, read_tags(in.tag_specifications, kinds::kAddress));
  const auto guard = co_await ec2.writing.enter();
  ElasticAddressRecord record;
  record.allocation_id = ec2.new_id("eipalloc");
  LF_CO_TRY(reserved, reserve_public_address(ec2, ctx.scope, record.allocation_id));
  record.address = reserved.address.str();
  record.tags = tags;
  store::Transaction transaction;
  transaction.operations = {std::move(reserved.write),
                            tables.elastic_addresses.put(record.allocation_id, record)};
  LF_CO_OK(co_await commit(ec2, std::move(transaction)));
  AllocateAddressResponse out;
  out.allocation_id = record.allocation_id;
  out.public_ip = record.address;
  out.public_ipv4_pool = "amazon";
  out.network_border_group = ctx.scope.region;
  out.domain = "vpc";
  co_return out;
}

task<Result<DescribeAddressesResponse>> describe_addresses(Ec2& ec2, const RequestContext& ctx,
                                                           DescribeAddressesRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  for (const std::string& address : in.public_ips) {
    LF_CO_TRY(row, find_elastic(tables, {}, address));
    in.allocation_ids.push_back(row.id);
  }
  const std::function<Facts(const ElasticAddressRecord&)> facts =
      [&](const ElasticAddressRecord& record) { return facts_of_address(tables, record); };
  LF_CO_TRY(page, select(tables.elastic_addresses.list(),
                         {kinds::kAddress, in.allocation_ids, in.filters}, facts));
  DescribeAddressesResponse out;
  for (const ElasticAddressRecord& record : page.items) {
    out.addresses.push_back(describe_address(tables, record));
  }
  co_return out;
}

// The only attribute is the name of a reverse record, which cannot be set here.
task<Result<DescribeAddressesAttributeResponse>> describe_addresses_attribute(
    Ec2& ec2, const RequestContext& ctx, DescribeAddressesAttributeRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  const std::function<Facts(const ElasticAddressRecord&)> facts = [](const ElasticAddressRecord&) {
    return Facts{};
  };
  LF_CO_TRY(page,
            select(tables.elastic_addresses.list(),
                   {kinds::kAddress, in.allocation_ids, {}, in.max_results, in.next_token}, facts));
  DescribeAddressesAttributeResponse out;
  for (const ElasticAddressRecord& record : page.items) {
    AddressAttribute& shown = out.addresses.emplace_back();
    shown.public_ip = record.address;
    shown.allocation_id = record.allocation_id;
  }
  out.next_token = page.next_token;
  co_return out;
}

task<Result<ReleaseAddressResponse>> release_address(Ec2& ec2, const RequestContext& ctx,
                                                     ReleaseAddressRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  const auto guard = co_await ec2.writing.enter();
  LF_CO_TRY(row, find_elastic(tables, in.allocation_id, in.public_ip));
  if (holder_of(tables, row.value)) {
    co_return fail("InvalidIPAddress.InUse",
                   fmt::format("Address {} is in use.", row.value.address));
  }
  store::Transaction transaction;
  transaction.operations = {release_public_address(row.value.address),
                            tables.elastic_addresses.remove(row.id)};
  LF_CO_OK(co_await commit(ec2, std::move(transaction)));
  co_return ReleaseAddressResponse{};
}

}  // namespace landfall::ec2
