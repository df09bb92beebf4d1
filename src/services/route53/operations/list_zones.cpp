// operations: ListHostedZones, ListHostedZonesByName, ListHostedZonesByVPC, GetHostedZoneCount
#include <charconv>

#include "services/route53/service.h"
#include "store/pagination.h"
#include "wire/route53/errors.h"
#include "wire/route53/operations.h"

namespace landfall::route53 {
namespace {

constexpr std::size_t kPage = 100;

Result<std::size_t> page_size(const std::optional<std::string>& max_items) {
  if (!max_items) return kPage;
  std::size_t out = 0;
  const auto [end, error] =
      std::from_chars(max_items->data(), max_items->data() + max_items->size(), out);
  if (error != std::errc() || end != max_items->data() + max_items->size() || out == 0)
    return errors::invalid_input(fmt::format("MaxItems '{}' is not a positive number", *max_items));
  return std::min(out, kPage);
}

}  // namespace

task<Result<ListHostedZonesResponse>> list_hosted_zones(Route53& route53, const RequestContext& ctx,
                                                        ListHostedZonesRequest in) {
  LF_CO_TRY(most, page_size(in.max_items));
  const Tables tables = route53.tables(ctx.scope.account);
  auto rows = tables.zones.list();
  if (in.delegation_set_id)
    co_return errors::no_such_delegation_set("Landfall has no reusable delegation sets");
  std::erase_if(rows, [&](const auto& row) {
    return in.hosted_zone_type.value_or("") == "PrivateHostedZone" && !row.value.private_zone;
  });
  // The marker is the first zone of the next page.
  std::erase_if(rows, [&](const auto& row) { return row.id < in.marker.value_or(""); });
  ListHostedZonesResponse out;
  out.max_items = std::to_string(most);
  out.marker = in.marker.value_or("");
  if (rows.size() > most) {
    out.is_truncated = true;
    out.next_marker = rows[most].id;
    rows.erase(rows.begin() + std::ptrdiff_t(most), rows.end());
  }
  for (const auto& row : rows) out.hosted_zones.push_back(to_shape(tables, row.value));
  co_return out;
}

task<Result<ListHostedZonesByNameResponse>> list_hosted_zones_by_name(
    Route53& route53, const RequestContext& ctx, ListHostedZonesByNameRequest in) {
  LF_CO_TRY(most, page_size(in.max_items));
  const Tables tables = route53.tables(ctx.scope.account);
  std::string start;
  if (in.dns_name) {
    LF_CO_TRY(name, normalize_name(*in.dns_name));
    start = reversed(name);
  } else if (in.hosted_zone_id) {
    co_return errors::invalid_input("HostedZoneId needs DNSName");
  }
  const auto place = [](const ZoneRecord& zone) { return std::pair(reversed(zone.name), zone.id); };
  std::vector<ZoneRecord> zones;
  for (auto& row : tables.zones.list()) {
    if (place(row.value) >= std::pair(start, bare_id(in.hosted_zone_id.value_or(""))))
      zones.push_back(std::move(row.value));
  }
  std::ranges::sort(zones, {}, place);
  ListHostedZonesByNameResponse out;
  out.max_items = std::to_string(most);
  out.dns_name = in.dns_name;
  out.hosted_zone_id = in.hosted_zone_id;
  if (zones.size() > most) {
    out.is_truncated = true;
    out.next_dns_name = zones[most].name;
    out.next_hosted_zone_id = zones[most].id;
    zones.erase(zones.begin() + std::ptrdiff_t(most), zones.end());
  }
  for (const ZoneRecord& zone : zones) out.hosted_zones.push_back(to_shape(tables, zone));
  co_return out;
}

task<Result<ListHostedZonesByVPCResponse>> list_hosted_zones_by_vpc(
    Route53& route53, const RequestContext& ctx, ListHostedZonesByVPCRequest in) {
  LF_CO_TRY(most, page_size(in.max_items));
  const auto last = store::read_page_token("zones-by-vpc", in.next_token);
  if (!last) co_return errors::invalid_pagination_token("The next token is not valid");
  std::vector<ZoneRecord> zones;
  const VpcRecord vpc{in.vpc_region, in.vpc_id};
  for (auto& row : route53.tables(ctx.scope.account).zones.list({}, *last)) {
    if (std::ranges::find(row.value.vpcs, vpc) != row.value.vpcs.end())
      zones.push_back(std::move(row.value));
  }
  ListHostedZonesByVPCResponse out;
  out.max_items = std::to_string(most);
  out.next_token =
      store::cut_page(zones, most, [](const ZoneRecord& zone) { return zone.id; }, "zones-by-vpc");
  for (const ZoneRecord& zone : zones) {
    HostedZoneSummary& summary = out.hosted_zone_summaries.emplace_back();
    summary.hosted_zone_id = zone.id;
    summary.name = zone.name;
    summary.owner.owning_account = ctx.scope.account;
  }
  co_return out;
}

task<Result<GetHostedZoneCountResponse>> get_hosted_zone_count(Route53& route53,
                                                               const RequestContext& ctx,
                                                               GetHostedZoneCountRequest) {
  GetHostedZoneCountResponse out;
  out.hosted_zone_count = std::int64_t(route53.tables(ctx.scope.account).zones.list().size());
  co_return out;
}

}  // namespace landfall::route53
