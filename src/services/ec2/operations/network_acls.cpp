// operations: CreateNetworkAcl, DeleteNetworkAcl, DescribeNetworkAcls, ReplaceNetworkAclAssociation
#include "services/ec2/operations/operation.h"

namespace landfall::ec2 {

// A new list lets nothing pass.
task<Result<CreateNetworkAclResponse>> create_network_acl(Ec2& ec2, const RequestContext& ctx,
                                                          CreateNetworkAclRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  LF_CO_TRY(tags, read_tags(in.tag_specifications, kinds::kNetworkAcl));
  const auto guard = co_await ec2.writing.enter();
  const ClientToken token{in.client_token.value_or(""), in.vpc_id};
  LF_CO_TRY(before, made_before(tables.network_acls, token));
  LF_CO_OK(find(tables.vpcs, kinds::kVpc, in.vpc_id));
  NetworkAclRecord acl;
  if (before) {
    acl = std::move(*before);
  } else {
    acl.id = ec2.new_id("acl");
    acl.vpc_id = in.vpc_id;
    acl.is_default = false;
    acl.entries = {{true, kLastAclEntry, "-1", false, "0.0.0.0/0"},
                   {false, kLastAclEntry, "-1", false, "0.0.0.0/0"}};
    acl.made_by = token;
    acl.tags = tags;
    LF_CO_OK(co_await save(ec2, tables.network_acls, acl));
  }
  CreateNetworkAclResponse out;
  out.network_acl = describe(tables, acl);
  out.client_token = in.client_token;
  co_return out;
}

task<Result<DescribeNetworkAclsResponse>> describe_network_acls(Ec2& ec2, const RequestContext& ctx,
                                                                DescribeNetworkAclsRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  LF_CO_TRY(page, select(tables.network_acls.list(),
                         {kinds::kNetworkAcl, in.network_acl_ids, in.filters, in.max_results,
                          in.next_token},
                         facts_in<NetworkAclRecord>(tables)));
  DescribeNetworkAclsResponse out;
  for (const NetworkAclRecord& acl : page.items) out.network_acls.push_back(describe(tables, acl));
  out.next_token = page.next_token;
  co_return out;
}

task<Result<DeleteNetworkAclResponse>> delete_network_acl(Ec2& ec2, const RequestContext& ctx,
                                                          DeleteNetworkAclRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  const auto guard = co_await ec2.writing.enter();
  LF_CO_TRY(row, find(tables.network_acls, kinds::kNetworkAcl, in.network_acl_id));
  if (row.value.is_default) {
    co_return fail("InvalidParameterValue", "Cannot delete default network ACL");
  }
  if (!row.value.associations.empty()) co_return dependency_violation("networkAcl", row.id);
  LF_CO_OK(co_await commit(ec2, {{}, {tables.network_acls.remove(row.id)}}));
  co_return DeleteNetworkAclResponse{};
}

// A subnet always has a list; it changes hands.
task<Result<ReplaceNetworkAclAssociationResponse>> replace_network_acl_association(
    Ec2& ec2, const RequestContext& ctx, ReplaceNetworkAclAssociationRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  ReplaceNetworkAclAssociationResponse out;
  std::string vpc_id;
  {
    const auto guard = co_await ec2.writing.enter();
    LF_CO_TRY(target, find(tables.network_acls, kinds::kNetworkAcl, in.network_acl_id));
    vpc_id = target.value.vpc_id;
    std::optional<NetworkAclRecord> source;
    std::string subnet_id;
    for (auto& row : tables.network_acls.list()) {
      for (const AclAssociationRecord& association : acl_associations(tables, row.value)) {
        if (association.id != in.association_id) continue;
        source = row.value;
        subnet_id = association.subnet_id;
      }
    }
    if (!source) co_return no_such(kinds::kAclAssociation, in.association_id);
    if (source->vpc_id != vpc_id) {
      co_return fail("InvalidParameterValue",
                     fmt::format("Network ACL {} and association {} belong to different networks",
                                 target.id, in.association_id));
    }
    const AclAssociationRecord moved{ec2.new_id("aclassoc"), subnet_id};
    out.new_association_id = moved.id;
    const auto leave = [&](NetworkAclRecord& acl) {
      std::erase_if(acl.associations,
                    [&](const AclAssociationRecord& a) { return a.subnet_id == subnet_id; });
    };
    store::Transaction transaction;
    leave(*source);
    if (source->id != target.id) {
      transaction.operations.push_back(tables.network_acls.put(source->id, *source));
    }
    leave(target.value);
    target.value.associations.push_back(moved);
    transaction.operations.push_back(tables.network_acls.put(target.id, target.value));
    LF_CO_OK(co_await commit(ec2, std::move(transaction)));
  }
  co_await wait_in_force(ec2, ctx.scope, vpc_id);
  co_return out;
}

}  // namespace landfall::ec2
