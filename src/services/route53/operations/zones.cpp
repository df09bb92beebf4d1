// operations: CreateHostedZone, DeleteHostedZone, GetHostedZone, UpdateHostedZoneComment
// operations: AssociateVPCWithHostedZone, DisassociateVPCFromHostedZone
#include "services/route53/service.h"
#include "wire/route53/errors.h"
#include "wire/route53/operations.h"

namespace landfall::route53 {
namespace {

constexpr std::size_t kMostZones = 500;

RecordSetRecord authority(const ZoneRecord& zone, std::string type, std::int64_t ttl,
                          const std::vector<std::string>& values) {
  RecordSetRecord out;
  out.set.name = zone.name;
  out.set.type = std::move(type);
  out.set.ttl = ttl;
  for (const std::string& value : values) out.set.resource_records.emplace_back().value = value;
  return out;
}

Result<VpcRecord> read_vpc(Route53& route53, const std::string& account, const VPC& vpc) {
  VpcRecord out{vpc.vpc_region.value_or(""), vpc.vpc_id.value_or("")};
  if (!route53.ec2.find_vpc({account, out.region}, out.id)) {
    return errors::invalid_vpc_id(
        fmt::format("The VPC: {} you provided is not authorized to make the association.", out.id));
  }
  return out;
}

VPC to_shape(const VpcRecord& record) {
  VPC out;
  out.vpc_region = record.region;
  out.vpc_id = record.id;
  return out;
}

// One private zone of a name in each VPC.
Result<void> check_conflict(const Tables& tables, const ZoneRecord& zone, const VpcRecord& vpc) {
  for (const auto& row : tables.zones.list()) {
    if (row.value.id == zone.id || row.value.name != zone.name) continue;
    if (std::ranges::find(row.value.vpcs, vpc) != row.value.vpcs.end()) {
      return errors::conflicting_domain_exists(fmt::format(
          "The VPC {} in region {} has already been associated with the hosted zone {} with the "
          "same domain name.",
          vpc.id, vpc.region, row.value.id));
    }
  }
  return {};
}

}  // namespace

task<Result<CreateHostedZoneResponse>> create_hosted_zone(Route53& route53,
                                                          const RequestContext& ctx,
                                                          CreateHostedZoneRequest in) {
  const std::string& account = ctx.scope.account;
  if (in.delegation_set_id)
    co_return errors::no_such_delegation_set("Landfall has no reusable delegation sets");
  ZoneRecord zone;
  LF_CO_TRY(name, normalize_name(in.name));
  zone.name = name;
  if (zone.name.starts_with("*.")) {
    co_return errors::invalid_domain_name(
        fmt::format("The domain name '{}' is not valid", in.name));
  }
  zone.account = account;
  zone.caller_reference = in.caller_reference;
  if (in.hosted_zone_config) zone.comment = in.hosted_zone_config->comment.value_or("");
  zone.private_zone = in.vpc.has_value() || (in.hosted_zone_config &&
                                             in.hosted_zone_config->private_zone.value_or(false));
  if (zone.private_zone && !in.vpc)
    co_return errors::invalid_input("A private hosted zone needs a VPC");
  if (in.vpc) {
    LF_CO_TRY(vpc, read_vpc(route53, account, *in.vpc));
    zone.vpcs.push_back(vpc);
  }
  zone.created_at = ctx.now;
  const Tables tables = route53.tables(account);
  auto guard = co_await route53.writing.enter();
  const auto zones = tables.zones.list();
  for (const auto& row : zones) {
    if (row.value.caller_reference == in.caller_reference) {
      co_return errors::hosted_zone_already_exists(fmt::format(
          "A hosted zone has already been created with the specified caller reference."));
    }
  }
  if (zones.size() >= kMostZones)
    co_return errors::too_many_hosted_zones(fmt::format("The limit is {} zones", kMostZones));
  for (const VpcRecord& vpc : zone.vpcs) LF_CO_OK(check_conflict(tables, zone, vpc));
  zone.id = "Z" + route53.random.pick("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 20);

  std::vector<std::string> servers;
  for (const std::string& server : name_servers()) servers.push_back(server + ".");
  store::Transaction transaction;
  transaction.operations.push_back(tables.zones.put(zone.id, zone));
  for (const RecordSetRecord& record :
       {authority(zone, "NS", 172800, servers),
        authority(zone, "SOA", 900,
                  {servers.front() + " hostmaster.landfall.test. 1 7200 900 1209600 86400"})}) {
    transaction.operations.push_back(tables.records.put(record_key(zone.id, record.set), record));
  }
  LF_CO_TRY(change, co_await commit(route53, std::move(guard), account, std::move(transaction)));
  CreateHostedZoneResponse out;
  out.hosted_zone = to_shape(tables, zone);
  out.change_info = change;
  out.delegation_set.name_servers = name_servers();
  if (in.vpc) out.vpc = *in.vpc;
  out.location = fmt::format("https://route53.amazonaws.com/2013-04-01/hostedzone/{}", zone.id);
  co_return out;
}

task<Result<DeleteHostedZoneResponse>> delete_hosted_zone(Route53& route53,
                                                          const RequestContext& ctx,
                                                          DeleteHostedZoneRequest in) {
  const Tables tables = route53.tables(ctx.scope.account);
  auto guard = co_await route53.writing.enter();
  LF_CO_TRY(row, find_zone(tables, in.id));
  const auto records = records_of(tables, row.value);
  store::Transaction transaction;
  for (const auto& record : records) {
    const ResourceRecordSet& set = record.value.set;
    if (set.name != row.value.name || (set.type != "NS" && set.type != "SOA")) {
      co_return errors::hosted_zone_not_empty(
          "The specified hosted zone contains non-required resource record sets and so cannot be "
          "deleted.");
    }
    transaction.operations.push_back(tables.records.remove(record.id));
  }
  transaction.operations.push_back(tables.zones.remove(row.id));
  DeleteHostedZoneResponse out;
  LF_CO_TRY(change,
            co_await commit(route53, std::move(guard), ctx.scope.account, std::move(transaction)));
  out.change_info = change;
  co_return out;
}

task<Result<GetHostedZoneResponse>> get_hosted_zone(Route53& route53, const RequestContext& ctx,
                                                    GetHostedZoneRequest in) {
  const Tables tables = route53.tables(ctx.scope.account);
  LF_CO_TRY(row, find_zone(tables, in.id));
  GetHostedZoneResponse out;
  out.hosted_zone = to_shape(tables, row.value);
  if (!row.value.private_zone) out.delegation_set.emplace().name_servers = name_servers();
  for (const VpcRecord& vpc : row.value.vpcs) out._vpcs.push_back(to_shape(vpc));
  co_return out;
}

task<Result<UpdateHostedZoneCommentResponse>> update_hosted_zone_comment(
    Route53& route53, const RequestContext& ctx, UpdateHostedZoneCommentRequest in) {
  const Tables tables = route53.tables(ctx.scope.account);
  auto guard = co_await route53.writing.enter();
  LF_CO_TRY(row, find_zone(tables, in.id));
  row.value.comment = in.comment.value_or("");
  LF_CO_OK(co_await commit(route53, std::move(guard), ctx.scope.account,
                           {{}, {tables.zones.put(row.id, row.value)}}));
  UpdateHostedZoneCommentResponse out;
  out.hosted_zone = to_shape(tables, row.value);
  co_return out;
}

task<Result<AssociateVPCWithHostedZoneResponse>> associate_vpc_with_hosted_zone(
    Route53& route53, const RequestContext& ctx, AssociateVPCWithHostedZoneRequest in) {
  const Tables tables = route53.tables(ctx.scope.account);
  auto guard = co_await route53.writing.enter();
  LF_CO_TRY(row, find_zone(tables, in.hosted_zone_id));
  LF_CO_TRY(vpc, read_vpc(route53, ctx.scope.account, in.vpc));
  if (!row.value.private_zone) {
    co_return errors::public_zone_vpc_association(
        "You're trying to associate a VPC with a public hosted zone. Amazon Route 53 doesn't "
        "support associating a VPC with a public hosted zone.");
  }
  LF_CO_OK(check_conflict(tables, row.value, vpc));
  if (std::ranges::find(row.value.vpcs, vpc) == row.value.vpcs.end()) row.value.vpcs.push_back(vpc);
  AssociateVPCWithHostedZoneResponse out;
  LF_CO_TRY(change,
            co_await commit(route53, std::move(guard), ctx.scope.account,
                            {{}, {tables.zones.put(row.id, row.value)}}, in.comment.value_or("")));
  out.change_info = change;
  co_return out;
}

task<Result<DisassociateVPCFromHostedZoneResponse>> disassociate_vpc_from_hosted_zone(
    Route53& route53, const RequestContext& ctx, DisassociateVPCFromHostedZoneRequest in) {
  const Tables tables = route53.tables(ctx.scope.account);
  auto guard = co_await route53.writing.enter();
  LF_CO_TRY(row, find_zone(tables, in.hosted_zone_id));
  const VpcRecord vpc{in.vpc.vpc_region.value_or(""), in.vpc.vpc_id.value_or("")};
  const auto found = std::ranges::find(row.value.vpcs, vpc);
  if (found == row.value.vpcs.end()) {
    co_return errors::vpc_association_not_found(fmt::format(
        "The VPC: {} that you specified is not associated with the hosted zone.", vpc.id));
  }
  if (row.value.vpcs.size() == 1) {
    co_return errors::last_vpc_association(
        "The VPC that you are trying to disassociate from the private hosted zone is the last VPC "
        "that is associated with the hosted zone.");
  }
  row.value.vpcs.erase(found);
  DisassociateVPCFromHostedZoneResponse out;
  LF_CO_TRY(change,
            co_await commit(route53, std::move(guard), ctx.scope.account,
                            {{}, {tables.zones.put(row.id, row.value)}}, in.comment.value_or("")));
  out.change_info = change;
  co_return out;
}

}  // namespace landfall::route53
