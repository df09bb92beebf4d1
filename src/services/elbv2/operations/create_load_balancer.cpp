// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
#include "services/elbv2/find.h"
#include "services/elbv2/placement.h"
#include "services/elbv2/shapes.h"
#include "wire/elbv2/errors.h"
#include "wire/elbv2/operations.h"

namespace landfall::elbv2 {
namespace {

constexpr std::size_t kMostLoadBalancers = 50;

Result<void> check_name(const std::string& name) {
  const auto bad = [&](std::string_view what) {
    return fail("ValidationError", fmt::format("The load balancer name '{}' {}", name, what));
  };
  if (name.empty() || name.size() > 32) return bad("must have between 1 and 32 characters");
  if (!std::ranges::all_of(name, [](unsigned char c) { return std::isalnum(c) || c == '-'; }))
    return bad("can only contain characters that are alphanumeric characters and hyphens(-)");
  if (name.starts_with('-') || name.ends_with('-')) return bad("cannot begin or end with a hyphen");
  if (name.starts_with("internal-")) return bad("cannot begin with 'internal-'");
  return {};
}

Result<void> check_supported(const CreateLoadBalancerRequest& in) {
  const std::string type = in.type.value_or("application");
  if (type != "application" && type != "network") {
    return errors::invalid_configuration_request(
        fmt::format("Landfall has no load balancers of type '{}'", type));
  }
  if (in.ip_address_type.value_or("ipv4") != "ipv4") {
    return errors::invalid_configuration_request("Landfall's load balancers have IPv4 only");
  }
  if (in.customer_owned_ipv4_pool || in.ipam_pools ||
      in.enable_prefix_for_ipv6_source_nat.value_or("off") != "off") {
    return errors::invalid_configuration_request(
        "Landfall has no customer-owned pools, IPAM pools or IPv6 source NAT");
  }
  return {};
}

std::vector<std::string> subnets_of(const LoadBalancerRecord& record) {
  std::vector<std::string> out;
  for (const NodeRecord& node : record.nodes)
    out.push_back(node.subnet_id + "=" + node.wanted_address);
  return out;
}

// Creating once more what is there already succeeds; with other settings it does not.
bool same_settings(const LoadBalancerRecord& a, const LoadBalancerRecord& b) {
  return a.type == b.type && a.scheme == b.scheme && a.vpc_id == b.vpc_id &&
         subnets_of(a) == subnets_of(b) && a.tags == b.tags &&
         std::set(a.security_groups.begin(), a.security_groups.end()) ==
             std::set(b.security_groups.begin(), b.security_groups.end());
}

std::string dns_name(const LoadBalancerRecord& record, Random& random) {
  // Made of words that never name anything else, so that a name is not given twice in a row.
  const std::string number =
      record.application() ? std::to_string(1 + random.below(9)) + random.pick("0123456789", 9)
                           : record.id;
  return fmt::format("{}{}-{}.{}.elb.landfall.test", record.internet_facing() ? "" : "internal-",
                     record.name, number, record.region);
}

}  // namespace

// Records intent only: the controller makes the interfaces and the name, and tells the proxy.
task<Result<CreateLoadBalancerResponse>> create_load_balancer(Elbv2& elbv2,
                                                              const RequestContext& ctx,
                                                              CreateLoadBalancerRequest in) {
  LF_CO_OK(check_name(in.name));
  LF_CO_OK(check_supported(in));
  LoadBalancerRecord record;
  record.name = in.name;
  record.id = elbv2.new_id();
  record.account = ctx.scope.account;
  record.region = ctx.scope.region;
  record.type = in.type.value_or("application");
  record.scheme = in.scheme.value_or("internet-facing");
  record.created_at = ctx.now;
  LF_CO_TRY(tags, read_tags(in.tags));
  record.tags = std::move(tags);

  auto guard = co_await elbv2.writing.enter();
  LF_CO_TRY(placed, place(elbv2, ctx.scope, record, in.subnets, in.subnet_mappings));
  record.vpc_id = placed.vpc_id;
  record.nodes = std::move(placed.nodes);
  LF_CO_TRY(groups, check_security_groups(elbv2, ctx.scope, record.vpc_id, in.security_groups));
  record.security_groups = std::move(groups);
  if (record.security_groups.empty() && record.application()) {
    const auto vpc = elbv2.ec2.find_vpc(ctx.scope, record.vpc_id);
    if (vpc) record.security_groups.push_back(vpc->default_security_group_id);
  }
  const Tables tables = elbv2.tables(ctx.scope);
  CreateLoadBalancerResponse out;
  if (const auto found = tables.load_balancers.get(in.name)) {
    if (!same_settings(found->value, record)) {
      co_return errors::duplicate_load_balancer_name(fmt::format(
          "A load balancer with the same name '{}' exists, but with different settings", in.name));
    }
    out.load_balancers.push_back(to_shape(found->value));
    co_return out;
  }
  if (tables.load_balancers.list().size() >= kMostLoadBalancers) {
    co_return errors::too_many_load_balancers(
        fmt::format("The limit of {} load balancers in a region is reached", kMostLoadBalancers));
  }
  record.dns_name = dns_name(record, elbv2.random);
  std::ranges::transform(record.dns_name, record.dns_name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? char(c + 32) : c;  // names in DNS have no case
  });
  LF_CO_OK(co_await commit(elbv2, std::move(guard),
                           {{tables.load_balancers.absent(record.name)},
                            {tables.load_balancers.put(record.name, record)}}));
  out.load_balancers.push_back(to_shape(record));
  co_return out;
}

}  // namespace landfall::elbv2
