// operations: AssociateAddress, DisassociateAddress
#include "services/ec2/elastic.h"
#include "services/ec2/operations/operation.h"

namespace landfall::ec2 {
namespace {

// What services made is theirs: a task's or a NAT gateway's interface is not the caller's to
// change.
Result<void> check_own(const NetworkInterfaceRecord& interface) {
  if (!interface.requester_managed) return {};
  return fail("AuthFailure", "You do not have permission to access the specified resource.");
}

bool has_internet_gateway(const Tables& tables, std::string_view vpc_id) {
  return std::ranges::any_of(tables.internet_gateways.list(),
                             [&](const auto& row) { return row.value.vpc_id == vpc_id; });
}

Result<void> check_association(const Tables& tables, const AssociateAddressRequest& in,
                               const NetworkInterfaceRecord& target,
                               const std::optional<NetworkInterfaceRecord>& holder) {
  LF_OK(check_own(target));
  if (in.private_ip_address.value_or(target.address) != target.address) {
    return fail("InvalidParameterValue",
                fmt::format("{} does not have the address {}", target.id, *in.private_ip_address));
  }
  if (!has_internet_gateway(tables, target.vpc_id)) {
    return fail("Gateway.NotAttached", fmt::format("Network {} is not attached to any internet "
                                                   "gateway",
                                                   target.vpc_id));
  }
  if (holder) LF_OK(check_own(*holder));
  if (in.allow_reassociation.value_or(true)) return {};
  if (holder && holder->id != target.id) {
    return fail("Resource.AlreadyAssociated",
                fmt::format("resource {} is already associated with associate-id {}",
                            holder->allocation_id, holder->association_id));
  }
  if (!target.allocation_id.empty()) {
    return fail("Resource.AlreadyAssociated",
                fmt::format("resource {} is already associated with associate-id {}", target.id,
                            target.association_id));
  }
  return {};
}

}  // namespace

task<Result<AssociateAddressResponse>> associate_address(Ec2& ec2, const RequestContext& ctx,
                                                         AssociateAddressRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  if (in.instance_id) co_return no_such(kinds::kInstance, *in.instance_id);
  if (!in.network_interface_id) {
    co_return fail("MissingParameter", "Either instanceId or networkInterfaceId must be specified");
  }
  AssociateAddressResponse out;
  std::set<std::string> vpcs;
  {
    const auto guard = co_await ec2.writing.enter();
    LF_CO_TRY(row, find_elastic(tables, in.allocation_id, in.public_ip));
    LF_CO_TRY(target, find(tables.interfaces, kinds::kInterface, *in.network_interface_id));
    auto holder = holder_of(tables, row.value);
    LF_CO_OK(check_association(tables, in, target.value, holder));
    if (holder && holder->id == target.id) {
      out.association_id = holder->association_id;
      co_return out;
    }
    store::Transaction transaction;
    if (holder) {
      take_address(*holder);
      transaction.operations.push_back(tables.interfaces.put(holder->id, *holder));
      vpcs.insert(holder->vpc_id);
    }
    give_address(ec2, row.value, target.value, transaction);
    transaction.operations.push_back(tables.interfaces.put(target.id, target.value));
    vpcs.insert(target.value.vpc_id);
    LF_CO_OK(co_await commit(ec2, std::move(transaction)));
    out.association_id = target.value.association_id;
  }
  for (const std::string& vpc : vpcs) co_await wait_in_force(ec2, ctx.scope, vpc);
  co_return out;
}

task<Result<DisassociateAddressResponse>> disassociate_address(Ec2& ec2, const RequestContext& ctx,
                                                               DisassociateAddressRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  std::string vpc_id;
  {
    const auto guard = co_await ec2.writing.enter();
    std::optional<NetworkInterfaceRecord> holder;
    if (in.association_id) {
      for (auto& row : tables.interfaces.list()) {
        if (row.value.association_id == *in.association_id && !row.value.allocation_id.empty()) {
          holder = std::move(row.value);
        }
      }
      if (!holder) co_return no_such(kinds::kAssociation, *in.association_id);
    } else {
      LF_CO_TRY(row, find_elastic(tables, {}, in.public_ip));
      holder = holder_of(tables, row.value);
      if (!holder) co_return DisassociateAddressResponse{};  // as AWS: nothing to do is no error
    }
    LF_CO_OK(check_own(*holder));
    vpc_id = holder->vpc_id;
    take_address(*holder);
    LF_CO_OK(co_await save(ec2, tables.interfaces, *holder));
  }
  co_await wait_in_force(ec2, ctx.scope, vpc_id);
  co_return DisassociateAddressResponse{};
}

}  // namespace landfall::ec2
