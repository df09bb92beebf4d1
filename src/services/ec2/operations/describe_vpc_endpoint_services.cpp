#include "base/bytes.h"
#include "services/ec2/endpoint_services.h"
#include "services/ec2/operations/operation.h"
#include "services/ec2/regions.h"

namespace landfall::ec2 {
namespace {

// A service with both types is listed once for each, as AWS does.
void add(DescribeVpcEndpointServicesResponse& out, const Scope& scope,
         const EndpointService& service, bool gateway) {
  ServiceDetail& detail = out.service_details.emplace_back();
  detail.service_name = service.name;
  detail.service_id =
      fmt::format("vpce-svc-{}", sha256_hex(service.name + (gateway ? "g" : "i")).substr(0, 17));
  detail.service_type.emplace_back().service_type = gateway ? "Gateway" : "Interface";
  detail.service_region = scope.region;
  for (const Zone& zone : zones_of(scope.region)) detail.availability_zones.push_back(zone.name);
  detail.owner = "amazon";
  detail.vpc_endpoint_policy_supported = false;
  detail.acceptance_required = false;
  detail.manages_vpc_endpoints = false;
  detail.supported_ip_address_types.push_back("ipv4");
  if (gateway) return;
  detail.private_dns_name = service.private_names.front();
  for (const std::string& name : service.private_names)
    detail.private_dns_names.emplace_back().private_dns_name = name;
  detail.private_dns_name_verification_state = "verified";
}

}  // namespace

task<Result<DescribeVpcEndpointServicesResponse>> describe_vpc_endpoint_services(
    Ec2&, const RequestContext& ctx, DescribeVpcEndpointServicesRequest in) {
  LF_CO_OK(check_dry_run(in));
  DescribeVpcEndpointServicesResponse out;
  const auto services = endpoint_services(ctx.scope.region);
  for (const std::string& name : in.service_names) {
    if (!find_service(services, name)) {
      co_return fail("InvalidServiceName",
                     fmt::format("The Vpc Endpoint Service '{}' does not exist", name));
    }
  }
  for (const EndpointService& service : services) {
    if (!in.service_names.empty() &&
        std::ranges::find(in.service_names, service.name) == in.service_names.end())
      continue;
    bool listed = false;
    for (const bool gateway : {true, false}) {
      if (gateway ? !service.gateway : !service.interface) continue;
      const Facts facts = {{"owner", {"amazon"}},
                           {"service-name", {service.name}},
                           {"service-region", {ctx.scope.region}},
                           {"service-type", {gateway ? "Gateway" : "Interface"}},
                           {"supported-ip-address-types", {"ipv4"}}};
      LF_CO_OK(check_filters(in.filters, facts));
      if (!passes(in.filters, facts, {})) continue;
      add(out, ctx.scope, service, gateway);
      if (!std::exchange(listed, true)) out.service_names.push_back(service.name);
    }
  }
  co_return out;
}

}  // namespace landfall::ec2
