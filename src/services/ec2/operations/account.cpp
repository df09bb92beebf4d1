// operations: DescribeRegions, DescribeAvailabilityZones, DescribeAccountAttributes
#include "services/ec2/operations/operation.h"
#include "services/ec2/regions.h"

namespace landfall::ec2 {
namespace {

bool wanted(const wire::List<std::string>& names, const std::string& name) {
  return names.empty() || std::ranges::find(names, name) != names.end();
}

}  // namespace

task<Result<DescribeRegionsResponse>> describe_regions(Ec2&, const RequestContext&,
                                                       DescribeRegionsRequest in) {
  LF_CO_OK(check_dry_run(in));
  for (const std::string& name : in.region_names) {
    if (std::ranges::find(known_regions(), name) == known_regions().end()) {
      co_return fail("InvalidParameterValue", fmt::format("Invalid region names: [{}]", name));
    }
  }
  DescribeRegionsResponse out;
  LF_CO_OK(
      check_filters(in.filters, {{"endpoint", {}}, {"region-name", {}}, {"opt-in-status", {}}}));
  for (const std::string& name : known_regions()) {
    const std::string endpoint = fmt::format("ec2.{}.amazonaws.com", name);
    const Facts facts = {{"endpoint", {endpoint}},
                         {"region-name", {name}},
                         {"opt-in-status", {"opt-in-not-required"}}};
    if (!wanted(in.region_names, name) || !passes(in.filters, facts, {})) continue;
    Region& region = out.regions.emplace_back();
    region.region_name = name;
    region.endpoint = endpoint;
    region.opt_in_status = "opt-in-not-required";
  }
  co_return out;
}

task<Result<DescribeAvailabilityZonesResponse>> describe_availability_zones(
    Ec2&, const RequestContext& ctx, DescribeAvailabilityZonesRequest in) {
  LF_CO_OK(check_dry_run(in));
  DescribeAvailabilityZonesResponse out;
  const auto facts_of_zone = [&](const Zone& zone) -> Facts {
    return {{"zone-name", {zone.name}},
            {"zone-id", {zone.id}},
            {"region-name", {ctx.scope.region}},
            {"state", {"available"}},
            {"zone-type", {"availability-zone"}},
            {"opt-in-status", {"opt-in-not-required"}},
            {"group-name", {ctx.scope.region + "-zg-1"}}};
  };
  LF_CO_OK(check_filters(in.filters, facts_of_zone({})));
  const auto zones = zones_of(ctx.scope.region);
  for (const std::string& name : in.zone_names) {
    if (std::ranges::find(zones, name, &Zone::name) == zones.end()) {
      co_return fail("InvalidParameterValue", fmt::format("Invalid availability zone: [{}]", name));
    }
  }
  for (const Zone& zone : zones) {
    if (!wanted(in.zone_names, zone.name) || !wanted(in.zone_ids, zone.id)) continue;
    if (!passes(in.filters, facts_of_zone(zone), {})) continue;
    AvailabilityZone& shown = out.availability_zones.emplace_back();
    shown.zone_name = zone.name;
    shown.zone_id = zone.id;
    shown.region_name = ctx.scope.region;
    shown.state = "available";
    shown.opt_in_status = "opt-in-not-required";
    shown.group_name = ctx.scope.region + "-zg-1";
    shown.network_border_group = ctx.scope.region;
    shown.zone_type = "availability-zone";
    shown.messages.present = true;
  }
  co_return out;
}

task<Result<DescribeAccountAttributesResponse>> describe_account_attributes(
    Ec2& ec2, const RequestContext& ctx, DescribeAccountAttributesRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  const auto defaults = tables.defaults.get("default");
  const std::string vpc =
      defaults && !defaults->value.vpc_id.empty() ? defaults->value.vpc_id : "none";
  // The pool, but its first address and the link to the host.
  const std::string addresses = std::to_string(ec2.public_pool.size() - 5);
  const std::vector<std::pair<std::string, std::string>> attributes = {
      {"supported-platforms", "VPC"}, {"default-vpc", vpc},
      {"max-instances", "20"},        {"vpc-max-security-groups-per-interface", "5"},
      {"max-elastic-ips", addresses}, {"vpc-max-elastic-ips", addresses},
  };
  DescribeAccountAttributesResponse out;
  for (const auto& [name, value] : attributes) {
    if (!wanted(in.attribute_names, name)) continue;
    AccountAttribute& attribute = out.account_attributes.emplace_back();
    attribute.attribute_name = name;
    attribute.attribute_values.emplace_back().attribute_value = value;
  }
  co_return out;
}

}  // namespace landfall::ec2
