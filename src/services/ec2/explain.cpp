#include "services/ec2/explain.h"

#include "services/ec2/controller/plan.h"

namespace landfall::ec2 {
namespace {

using reconcile::Explanation;
using reconcile::Finding;
using reconcile::Severity;

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(' ') - first + 1));
}

Finding finding_of(const Reachability& answer) {
  Finding finding;
  finding.reason = reconcile::reason_of(answer.reason);
  finding.message = answer.why;
  finding.advice = answer.remedy;
  return finding;
}

struct Question {
  std::string from, to, protocol = "tcp";
  std::uint16_t port = 0;
};

// "FROM -> TO:PORT[/PROTOCOL]"
std::optional<Question> read_question(std::string_view text) {
  const auto arrow = text.find("->");
  if (arrow == std::string_view::npos) return {};
  Question out;
  out.from = trimmed(text.substr(0, arrow));
  std::string rest = trimmed(text.substr(arrow + 2));
  if (const auto slash = rest.rfind('/'); slash != std::string::npos) {
    out.protocol = rest.substr(slash + 1);
    rest.resize(slash);
  }
  const auto colon = rest.rfind(':');
  if (colon == std::string::npos || out.from.empty()) return {};
  const char* end = rest.data() + rest.size();
  const auto [stop, error] = std::from_chars(rest.data() + colon + 1, end, out.port);
  if (error != std::errc() || stop != end) return {};
  out.to = rest.substr(0, colon);
  if (out.protocol != "tcp" && out.protocol != "udp") return {};
  return out;
}

// An interface, an address, or a name that is registered here.
std::optional<Peer> find_peer(Port& port, const Scope& scope, std::string_view text) {
  if (text.starts_with("eni-")) return Peer{std::string(text), {}};
  if (const auto address = Ipv4::parse(text)) return Peer{"", *address};
  const auto place = port.find_name(scope, text);
  if (!place || place->interface_ids.empty()) return {};
  return Peer{place->interface_ids.front(), {}};
}

Explanation explain_connection(Port& port, const Scope& scope, const Question& asked,
                               std::string reference) {
  Explanation out;
  out.resource = std::move(reference);
  out.kind = "connection";
  const auto from = find_peer(port, scope, asked.from), to = find_peer(port, scope, asked.to);
  if (!from || !to) {
    Finding finding;
    finding.reason = "NoSuchName";
    finding.message =
        fmt::format("{} is not a name that is known here", from ? asked.to : asked.from);
    out.state = "cannot pass";
    out.findings.push_back(std::move(finding));
    return out;
  }
  const Reachability answer = port.reachability(scope, *from, *to, asked.protocol, asked.port);
  out.state = answer.allowed ? answer.why : "cannot pass";
  if (!answer.allowed) out.findings.push_back(finding_of(answer));
  return out;
}

void add(Explanation& out, Severity severity, std::string reason, std::string message,
         std::string advice, std::vector<std::string> deeper = {}) {
  Finding finding;
  finding.severity = severity;
  finding.reason = std::move(reason);
  finding.message = std::move(message);
  finding.advice = std::move(advice);
  finding.deeper = std::move(deeper);
  out.findings.push_back(std::move(finding));
}

Explanation explain_interface(const Tables& tables, const NetworkInterfaceRecord& interface) {
  Explanation out{.resource = interface.id,
                  .kind = "network interface",
                  .state = "",
                  .findings = {},
                  .depends_on = interface.group_ids};
  out.state = interface.attachment_id.empty() ? "available" : "in-use";
  out.depends_on.push_back(interface.subnet_id);
  const auto records = read_vpc(tables, interface.vpc_id);
  const RouteTableRecord* table = records ? route_table_of(*records, interface.subnet_id) : nullptr;
  if (!table || interface.public_address.empty()) return out;
  const NextHop hop = next_hop(*records, *table, Ipv4{1u << 24});
  if (hop.kind != NextHop::Kind::internet && interface.type != kNatInterfaceType) {
    add(out, Severity::warning, "PublicAddressWithoutRoute",
        fmt::format("{} has the public address {}, but its subnet {} has no route to an internet "
                    "gateway",
                    interface.id, interface.public_address, interface.subnet_id),
        fmt::format("aws ec2 create-route --route-table-id {} --destination-cidr-block 0.0.0.0/0 "
                    "--gateway-id <internet gateway of {}>",
                    table->id, interface.vpc_id),
        {table->id});
  }
  return out;
}

Explanation explain_route_table(const Tables& tables, const RouteTableRecord& table) {
  Explanation out{
      .resource = table.id, .kind = "route table", .state = "", .findings = {}, .depends_on = {}};
  const auto records = read_vpc(tables, table.vpc_id);
  for (const RouteRecord& route : table.routes) {
    const auto block = Cidr::parse(route.destination);
    if (!records || !block) continue;
    out.depends_on.push_back(route.target);
    const NextHop hop = next_hop(*records, table, block->base);
    if (hop.kind != NextHop::Kind::nowhere) continue;
    add(out, Severity::problem, "RouteIsBlackhole",
        fmt::format("the route of {} to {} leads nowhere: {}", table.id, route.destination,
                    hop.problem),
        fmt::format("aws ec2 replace-route --route-table-id {} --destination-cidr-block {} "
                    "--gateway-id <an attached internet gateway>",
                    table.id, route.destination));
  }
  out.state = fmt::format("{} routes", table.routes.size() + 1);
  return out;
}

Explanation explain_nat_gateway(const Tables& tables, const NatGatewayRecord& gateway) {
  Explanation out{.resource = gateway.id,
                  .kind = "NAT gateway",
                  .state = "available",
                  .findings = {},
                  .depends_on = {gateway.subnet_id}};
  if (gateway.deleted) {
    out.state = "deleted";
    add(out, Severity::problem, "NatGatewayDeleted", gateway.id + " has been deleted", "");
  } else if (!gateway.failure_code.empty()) {
    out.state = "failed";
    add(out, Severity::problem, gateway.failure_code, gateway.failure_message,
        "attach an internet gateway, then create the NAT gateway again");
  } else if (const auto records = read_vpc(tables, gateway.vpc_id)) {
    const RouteTableRecord* table = route_table_of(*records, gateway.subnet_id);
    if (table && next_hop(*records, *table, Ipv4{1u << 24}).kind != NextHop::Kind::internet) {
      add(out, Severity::problem, "NatGatewayWithoutInternet",
          fmt::format("{} is in {}, whose route table {} has no route to an internet gateway",
                      gateway.id, gateway.subnet_id, table->id),
          "put the NAT gateway into a public subnet", {table->id});
    }
  }
  return out;
}

Explanation explain_group(const SecurityGroupRecord& group) {
  const auto inbound = std::ranges::count(group.rules, false, &SecurityRuleRecord::egress);
  Explanation out{.resource = group.id,
                  .kind = "security group",
                  .state = "",
                  .findings = {},
                  .depends_on = {}};
  out.state = fmt::format("{}: {} inbound and {} outbound rules", group.name, inbound,
                          group.rules.size() - static_cast<std::size_t>(inbound));
  for (const SecurityRuleRecord& rule : group.rules) {
    const bool everything = !rule.egress && rule.cidr == "0.0.0.0/0";
    const bool ssh = rule.protocol == "-1" || (rule.from_port <= 22 && rule.to_port >= 22);
    if (!everything || !ssh) continue;
    add(out, Severity::warning, "SshOpenToEverybody",
        fmt::format("{} of {} lets everybody connect to port 22", rule.id, group.id),
        fmt::format("aws ec2 revoke-security-group-ingress --group-id {} "
                    "--security-group-rule-ids {}",
                    group.id, rule.id));
  }
  return out;
}

Explanation explain_subnet(const Tables& tables, const SubnetRecord& subnet) {
  Explanation out{.resource = subnet.id,
                  .kind = "subnet",
                  .state = subnet.cidr,
                  .findings = {},
                  .depends_on = {}};
  if (const auto records = read_vpc(tables, subnet.vpc_id)) {
    if (const auto* table = route_table_of(*records, subnet.id)) out.depends_on = {table->id};
  }
  return out;
}

}  // namespace

std::optional<Finding> connection_problem(Port& port, const Scope& scope,
                                          const std::string& interface_id, std::string_view host,
                                          std::uint16_t tcp_port) {
  const auto to = find_peer(port, scope, host);
  if (!to) return {};  // a name of the outside world
  const Reachability answer = port.reachability(scope, {interface_id, {}}, *to, "tcp", tcp_port);
  if (answer.allowed) return {};
  return finding_of(answer);
}

task<std::optional<Explanation>> explain(Ec2& ec2, Port& port, Scope scope, std::string reference) {
  if (const auto asked = read_question(reference)) {
    co_return explain_connection(port, scope, *asked, reference);
  }
  std::string id = reference;
  if (const auto arn = Arn::parse(reference)) {
    if (arn->service != "ec2") co_return std::nullopt;
    id = arn->resource.substr(arn->resource.find('/') + 1);
  }
  const Tables tables = ec2.tables(scope);
  if (const auto row = tables.interfaces.get(id)) co_return explain_interface(tables, row->value);
  if (const auto row = tables.route_tables.get(id)) {
    co_return explain_route_table(tables, row->value);
  }
  if (const auto row = tables.nat_gateways.get(id)) {
    co_return explain_nat_gateway(tables, row->value);
  }
  if (const auto row = tables.security_groups.get(id)) co_return explain_group(row->value);
  if (const auto row = tables.subnets.get(id)) co_return explain_subnet(tables, row->value);
  if (const auto row = tables.vpcs.get(id)) {
    Explanation out{
        .resource = id, .kind = "VPC", .state = row->value.cidr, .findings = {}, .depends_on = {}};
    for (const auto& table : tables.route_tables.list()) {
      if (table.value.vpc_id == id) out.depends_on.push_back(table.id);
    }
    co_return out;
  }
  if (const auto row = tables.internet_gateways.get(id)) {
    const bool attached = !row->value.vpc_id.empty();
    Explanation out{.resource = id,
                    .kind = "internet gateway",
                    .state = attached ? "attached to " + row->value.vpc_id : "detached",
                    .findings = {},
                    .depends_on = {}};
    if (!attached) {
      add(out, Severity::warning, "GatewayDetached", id + " is attached to no VPC",
          fmt::format("aws ec2 attach-internet-gateway --internet-gateway-id {} --vpc-id <VPC>",
                      id));
    }
    co_return out;
  }
  co_return std::nullopt;
}

}  // namespace landfall::ec2
