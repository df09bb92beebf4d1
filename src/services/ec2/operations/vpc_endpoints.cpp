// operations: CreateVpcEndpoint, ModifyVpcEndpoint, DeleteVpcEndpoints, DescribeVpcEndpoints
// https://docs.aws.amazon.com/vpc/latest/privatelink/concepts.html
#include "services/ec2/endpoint_services.h"
#include "services/ec2/endpoints.h"
#include "services/ec2/operations/operation.h"
#include "services/ec2/prefix_lists.h"

namespace landfall::ec2 {
namespace {

std::unexpected<Error> invalid(std::string message) {
  return fail("InvalidParameter", std::move(message));
}

// What the API lets pass is a matter of IAM; a policy of the endpoint would not be asked.
Result<void> check_policy(const std::optional<std::string>& text) {
  if (!text || text->empty()) return {};
  boost::system::error_code error;
  json::value given = json::parse(*text, error);
  json::value open = json::parse(endpoint_policy());
  if (error || !given.is_object()) return fail("InvalidPolicyDocument", "The policy is not JSON.");
  for (json::value* policy : {&given, &open}) policy->as_object().erase("Version");
  if (given == open) return {};
  return fail("UnsupportedOperation",
              "Endpoints let everything pass here; restrict access with IAM policies, and network "
              "access with the endpoint's security groups.");
}

Result<std::string> service_name(const std::optional<std::string>& name,
                                 const std::vector<EndpointService>& services, bool gateway) {
  if (!name) return fail("MissingParameter", "The request must contain the parameter serviceName");
  const EndpointService* service = find_service(services, *name);
  if (!service) {
    return fail("InvalidServiceName",
                fmt::format("The Vpc Endpoint Service '{}' does not exist", *name));
  }
  if (gateway ? !service->gateway : !service->interface) {
    return invalid(fmt::format("The service '{}' has no endpoints of type {}", *name,
                               gateway ? "Gateway" : "Interface"));
  }
  return *name;
}

// Its route to the service's prefix list is shown in each route table.
Result<void> set_routes(const Tables& tables, const EndpointRecord& endpoint, bool wanted,
                        const std::vector<std::string>& table_ids,
                        store::Transaction& transaction) {
  std::string list_id;
  for (const PrefixListRecord& list : amazon_prefix_lists(tables.scope.region))
    if (list.name == endpoint.service) list_id = list.id;
  for (const std::string& id : table_ids) {
    LF_TRY(row, find(tables.route_tables, kinds::kRouteTable, id));
    if (row.value.vpc_id != endpoint.vpc_id) {
      return invalid(fmt::format("Route table {} does not belong to VPC {}", id, endpoint.vpc_id));
    }
    auto& routes = row.value.routes;
    if (wanted) {
      if (std::ranges::find(routes, list_id, &RouteRecord::destination) != routes.end()) {
        return fail(
            "RouteAlreadyExists",
            fmt::format("route table {} already has a route with destination-prefix-list-id "
                        "{}",
                        id, list_id));
      }
      routes.push_back({list_id, endpoint.id});
    } else {
      std::erase_if(routes, [&](const RouteRecord& route) { return route.target == endpoint.id; });
    }
    transaction.operations.push_back(tables.route_tables.put(id, row.value));
  }
  return {};
}

Result<void> add_subnet(Ec2& ec2, const Tables& tables, EndpointRecord& endpoint,
                        const std::string& subnet_id, store::Transaction& transaction) {
  LF_TRY(subnet, find(tables.subnets, kinds::kSubnet, subnet_id));
  if (subnet.value.vpc_id != endpoint.vpc_id) {
    return invalid(fmt::format("Subnet {} does not belong to VPC {}", subnet_id, endpoint.vpc_id));
  }
  for (const EndpointSubnetRecord& other : endpoint.subnets) {
    if (other.zone == subnet.value.zone) {
      return fail("DuplicateSubnetsInSameZone",
                  fmt::format("Found another subnet of the endpoint in the availability zone of {}",
                              subnet_id));
    }
  }
  InterfaceRequest request;
  request.scope = tables.scope;
  request.owner = fmt::format("vpce:{}/{}", endpoint.id, subnet_id);
  request.subnet_id = subnet_id;
  request.security_group_ids = endpoint.group_ids;
  request.description = "VPC Endpoint Interface " + endpoint.id;
  request.interface_type = kEndpointInterfaceType;
  LF_TRY(interface, prepare_interface(ec2, tables, request, transaction));
  endpoint.group_ids = interface.group_ids;
  endpoint.subnets.push_back({subnet_id, subnet.value.zone, interface.id, interface.address});
  return {};
}

void remove_interface(const Tables& tables, const EndpointSubnetRecord& place,
                      store::Transaction& transaction) {
  if (const auto row = tables.interfaces.get(place.interface_id))
    prepare_interface_deletion(tables, row->value, transaction);
}

// One endpoint of a VPC at a time has the service's own names there.
Result<void> check_private_dns(const Tables& tables, const EndpointRecord& endpoint) {
  if (!endpoint.private_dns) return {};
  const auto vpc = tables.vpcs.get(endpoint.vpc_id);
  if (!vpc || !vpc->value.host_names()) {
    return invalid(
        fmt::format("Enabling private DNS requires both enableDnsSupport and "
                    "enableDnsHostnames VPC attributes set to true for {}",
                    endpoint.vpc_id));
  }
  for (const auto& row : tables.endpoints.list()) {
    const EndpointRecord& other = row.value;
    if (other.id == endpoint.id || !other.private_dns || other.vpc_id != endpoint.vpc_id ||
        other.service != endpoint.service)
      continue;
    return invalid(
        fmt::format("private-dns-enabled cannot be set because there is already a "
                    "conflicting DNS domain for {} in the VPC {}",
                    endpoint.service, endpoint.vpc_id));
  }
  return {};
}

// The endpoint's own names, which the whole world may look up, as on AWS.
void write_names(const Tables& tables, const EndpointRecord& endpoint, bool wanted,
                 store::Transaction& transaction) {
  if (endpoint.gateway()) return;
  const auto names = endpoint_names(tables, endpoint);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!wanted) {
      transaction.operations.push_back(tables.dns_names.remove(names[i]));
      continue;
    }
    DnsNameRecord record{tables.scope.account,
                         tables.scope.region,
                         names[i],
                         "vpce:" + endpoint.id,
                         endpoint.vpc_id,
                         {},
                         {}};
    for (std::size_t n = 0; n < endpoint.subnets.size(); ++n)
      if (i == 0 || n == i - 1) record.private_addresses.push_back(endpoint.subnets[n].address);
    transaction.operations.push_back(tables.dns_names.put(names[i], record));
  }
}

std::vector<std::string> plain(const wire::List<std::string>& list) {
  return {list.begin(), list.end()};
}

Result<void> make(Ec2& ec2, const Tables& tables, const CreateVpcEndpointRequest& in,
                  EndpointRecord& endpoint, store::Transaction& transaction) {
  LF_TRY(vpc, find(tables.vpcs, kinds::kVpc, in.vpc_id));
  if (endpoint.gateway()) {
    if (!in.subnet_ids.empty() || !in.security_group_ids.empty() ||
        in.private_dns_enabled.value_or(false)) {
      return invalid("Endpoints of type Gateway have no subnets, security groups or private DNS");
    }
    endpoint.route_table_ids = plain(in.route_table_ids);
    return set_routes(tables, endpoint, true, endpoint.route_table_ids, transaction);
  }
  if (!in.route_table_ids.empty())
    return invalid("Endpoints of type Interface have no route tables");
  if (in.ip_address_type.value_or("ipv4") != "ipv4")
    return invalid("Networks have IPv4 only here (IpAddressType=ipv4).");
  LF_TRY(groups, check_groups(tables, vpc.value, plain(in.security_group_ids)));
  endpoint.group_ids = groups;
  endpoint.private_dns = in.private_dns_enabled.value_or(true);
  LF_OK(check_private_dns(tables, endpoint));
  if (in.subnet_ids.empty()) return fail("MissingParameter", "The request must name subnets");
  for (const std::string& id : in.subnet_ids)
    LF_OK(add_subnet(ec2, tables, endpoint, id, transaction));
  write_names(tables, endpoint, true, transaction);
  return {};
}

}  // namespace

task<Result<CreateVpcEndpointResponse>> create_vpc_endpoint(Ec2& ec2, const RequestContext& ctx,
                                                            CreateVpcEndpointRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  EndpointRecord endpoint;
  endpoint.type = in.vpc_endpoint_type.value_or("Gateway");
  if (endpoint.type != "Gateway" && endpoint.type != "Interface") {
    co_return invalid(fmt::format("Endpoints of type '{}' are not there.", endpoint.type));
  }
  const auto services = endpoint_services(ctx.scope.region);
  LF_CO_TRY(service, service_name(in.service_name, services, endpoint.gateway()));
  LF_CO_OK(check_policy(in.policy_document));
  LF_CO_TRY(tags, read_tags(in.tag_specifications, kinds::kEndpoint));
  CreateVpcEndpointResponse out;
  out.client_token = in.client_token;
  {
    const auto guard = co_await ec2.writing.enter();
    endpoint.made_by = {
        in.client_token.value_or(""),
        fmt::format("{} {} {} {} {}", in.vpc_id, service, endpoint.type,
                    fmt::join(in.subnet_ids, ","), fmt::join(in.route_table_ids, ","))};
    LF_CO_TRY(before, made_before(tables.endpoints, endpoint.made_by));
    if (before) {
      out.vpc_endpoint = describe(tables, *before);
      co_return out;
    }
    endpoint.id = ec2.new_id("vpce");
    endpoint.vpc_id = in.vpc_id;
    endpoint.service = service;
    endpoint.created = ec2.clock.now();
    endpoint.tags = tags;
    store::Transaction transaction;
    LF_CO_OK(make(ec2, tables, in, endpoint, transaction));
    transaction.operations.push_back(tables.endpoints.put(endpoint.id, endpoint));
    LF_CO_OK(co_await commit(ec2, std::move(transaction)));
  }
  co_await wait_in_force(ec2, ctx.scope, endpoint.vpc_id);
  out.vpc_endpoint = describe(tables, endpoint);
  if (!endpoint.gateway()) out.vpc_endpoint->state = "pending";  // what AWS says at first
  co_return out;
}

task<Result<ModifyVpcEndpointResponse>> modify_vpc_endpoint(Ec2& ec2, const RequestContext& ctx,
                                                            ModifyVpcEndpointRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  LF_CO_OK(check_policy(in.policy_document));
  std::string vpc_id;
  {
    const auto guard = co_await ec2.writing.enter();
    LF_CO_TRY(row, find(tables.endpoints, kinds::kEndpoint, in.vpc_endpoint_id));
    EndpointRecord& endpoint = row.value;
    vpc_id = endpoint.vpc_id;
    store::Transaction transaction;
    if (endpoint.gateway()) {
      LF_CO_OK(set_routes(tables, endpoint, true, plain(in.add_route_table_ids), transaction));
      LF_CO_OK(set_routes(tables, endpoint, false, plain(in.remove_route_table_ids), transaction));
      for (const std::string& id : in.remove_route_table_ids)
        std::erase(endpoint.route_table_ids, id);
      for (const std::string& id : in.add_route_table_ids) endpoint.route_table_ids.push_back(id);
    } else {
      write_names(tables, endpoint, false, transaction);
      for (const std::string& id : in.remove_subnet_ids) {
        const auto place =
            std::ranges::find(endpoint.subnets, id, &EndpointSubnetRecord::subnet_id);
        if (place == endpoint.subnets.end()) co_return no_such(kinds::kSubnet, id);
        remove_interface(tables, *place, transaction);
        endpoint.subnets.erase(place);
      }
      for (const std::string& id : in.remove_security_group_ids) std::erase(endpoint.group_ids, id);
      for (const std::string& id : in.add_security_group_ids) endpoint.group_ids.push_back(id);
      LF_CO_TRY(vpc, find(tables.vpcs, kinds::kVpc, endpoint.vpc_id));
      if (endpoint.group_ids.empty())
        co_return invalid("An endpoint needs at least one security group");
      LF_CO_TRY(groups, check_groups(tables, vpc.value, endpoint.group_ids));
      endpoint.group_ids = groups;
      for (const EndpointSubnetRecord& place : endpoint.subnets) {
        auto interface = tables.interfaces.get(place.interface_id);
        if (!interface || interface->value.group_ids == groups) continue;
        interface->value.group_ids = groups;
        transaction.operations.push_back(tables.interfaces.put(interface->id, interface->value));
      }
      for (const std::string& id : in.add_subnet_ids)
        LF_CO_OK(add_subnet(ec2, tables, endpoint, id, transaction));
      if (in.private_dns_enabled) endpoint.private_dns = *in.private_dns_enabled;
      LF_CO_OK(check_private_dns(tables, endpoint));
      write_names(tables, endpoint, true, transaction);
    }
    transaction.operations.push_back(tables.endpoints.put(endpoint.id, endpoint));
    LF_CO_OK(co_await commit(ec2, std::move(transaction)));
  }
  co_await wait_in_force(ec2, ctx.scope, vpc_id);
  ModifyVpcEndpointResponse out;
  out.return_ = true;
  co_return out;
}

task<Result<DeleteVpcEndpointsResponse>> delete_vpc_endpoints(Ec2& ec2, const RequestContext& ctx,
                                                              DeleteVpcEndpointsRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  DeleteVpcEndpointsResponse out;
  out.unsuccessful.present = true;
  std::set<std::string> vpcs;
  for (const std::string& id : in.vpc_endpoint_ids) {
    const auto guard = co_await ec2.writing.enter();
    const auto row = tables.endpoints.get(id);
    if (!row) {
      UnsuccessfulItem& item = out.unsuccessful.emplace_back();
      const Error error = no_such(kinds::kEndpoint, id).error();
      item.resource_id = id;
      item.error.emplace().code = error.code;
      item.error->message = error.message;
      continue;
    }
    const EndpointRecord& endpoint = row->value;
    store::Transaction transaction;
    // A route table may have gone before.
    for (const std::string& table : endpoint.route_table_ids)
      (void)set_routes(tables, endpoint, false, {table}, transaction);
    write_names(tables, endpoint, false, transaction);
    for (const EndpointSubnetRecord& place : endpoint.subnets)
      remove_interface(tables, place, transaction);
    transaction.operations.push_back(tables.endpoints.remove(id));
    LF_CO_OK(co_await commit(ec2, std::move(transaction)));
    vpcs.insert(endpoint.vpc_id);
  }
  for (const std::string& vpc : vpcs) co_await wait_in_force(ec2, ctx.scope, vpc);
  co_return out;
}

task<Result<DescribeVpcEndpointsResponse>> describe_vpc_endpoints(Ec2& ec2,
                                                                  const RequestContext& ctx,
                                                                  DescribeVpcEndpointsRequest in) {
  LF_CO_OK(check_dry_run(in));
  LF_CO_TRY(tables, co_await open_tables(ec2, ctx.scope));
  LF_CO_TRY(page, select(tables.endpoints.list(),
                         {kinds::kEndpoint, in.vpc_endpoint_ids, in.filters, in.max_results,
                          in.next_token},
                         facts_in<EndpointRecord>(tables)));
  DescribeVpcEndpointsResponse out;
  for (const EndpointRecord& endpoint : page.items)
    out.vpc_endpoints.push_back(describe(tables, endpoint));
  out.next_token = page.next_token;
  co_return out;
}

}  // namespace landfall::ec2
