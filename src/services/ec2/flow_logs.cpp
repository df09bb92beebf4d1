#include "services/ec2/flow_logs.h"

namespace landfall::ec2 {
namespace {

using host::network::Flow;

std::int64_t seconds(TimePoint time) { return to_unix_ms(time) / 1000; }

// What one line is about; no flow: NODATA or SKIPDATA.
struct LineFacts {
  const Scope& scope;
  const NetworkInterfaceRecord& interface;
  const Flow* flow;
  std::int64_t start_s, end_s;
  std::string_view status;
  int version;
};

struct Field {
  std::string_view name;
  int version;  // of the format, in which it came
  std::string (*text)(const LineFacts&);
};

template <class Value>
std::string of_flow(const LineFacts& line, Value value) {
  return line.flow ? fmt::format("{}", value(*line.flow)) : "-";
}

constexpr Field kFields[] = {
    {"version", 2, [](const LineFacts& l) { return std::to_string(l.version); }},
    {"account-id", 2, [](const LineFacts& l) { return l.scope.account; }},
    {"interface-id", 2, [](const LineFacts& l) { return l.interface.id; }},
    {"srcaddr", 2,
     [](const LineFacts& l) { return of_flow(l, [](const Flow& f) { return f.source.str(); }); }},
    {"dstaddr", 2,
     [](const LineFacts& l) {
       return of_flow(l, [](const Flow& f) { return f.destination.str(); });
     }},
    {"srcport", 2,
     [](const LineFacts& l) { return of_flow(l, [](const Flow& f) { return f.source_port; }); }},
    {"dstport", 2,
     [](const LineFacts& l) {
       return of_flow(l, [](const Flow& f) { return f.destination_port; });
     }},
    {"protocol", 2,
     [](const LineFacts& l) { return of_flow(l, [](const Flow& f) { return f.protocol; }); }},
    {"packets", 2,
     [](const LineFacts& l) { return of_flow(l, [](const Flow& f) { return f.packets; }); }},
    {"bytes", 2,
     [](const LineFacts& l) { return of_flow(l, [](const Flow& f) { return f.bytes; }); }},
    {"start", 2, [](const LineFacts& l) { return std::to_string(l.start_s); }},
    {"end", 2, [](const LineFacts& l) { return std::to_string(l.end_s); }},
    {"action", 2,
     [](const LineFacts& l) {
       return of_flow(l, [](const Flow& f) { return f.accepted ? "ACCEPT" : "REJECT"; });
     }},
    {"log-status", 2, [](const LineFacts& l) { return std::string(l.status); }},
    {"vpc-id", 3, [](const LineFacts& l) { return l.interface.vpc_id; }},
    {"subnet-id", 3, [](const LineFacts& l) { return l.interface.subnet_id; }},
    {"region", 4, [](const LineFacts& l) { return l.scope.region; }},
    {"flow-direction", 5,
     [](const LineFacts& l) {
       return of_flow(l, [](const Flow& f) { return f.egress ? "egress" : "ingress"; });
     }},
};

const Field* find_field(std::string_view name) {
  const auto found = std::ranges::find(kFields, name, &Field::name);
  return found == std::end(kFields) ? nullptr : found;
}

// The names between "${" and "}"; absent when there is anything else.
std::optional<std::vector<std::string_view>> names_of(std::string_view format) {
  std::vector<std::string_view> out;
  while (!format.empty()) {
    const auto end = format.find('}');
    if (!format.starts_with("${") || end == format.npos) return {};
    out.push_back(format.substr(2, end - 2));
    format.remove_prefix(end + 1);
    if (format.starts_with(' ')) format.remove_prefix(1);
  }
  if (out.empty()) return {};
  return out;
}

std::string line_of(const FlowLogRecord& log, LineFacts facts) {
  const auto names = names_of(log.format);
  if (!names) return {};
  facts.version = 2;
  for (const std::string_view name : *names)
    if (const Field* field = find_field(name))
      facts.version = std::max(facts.version, field->version);
  std::string out;
  for (const std::string_view name : *names) {
    if (!out.empty()) out += ' ';
    const Field* field = find_field(name);
    out += field ? field->text(facts) : "-";
  }
  return out;
}

bool wanted(const FlowLogRecord& log, const Flow& flow) {
  return log.traffic_type == "ALL" || (log.traffic_type == "ACCEPT") == flow.accepted;
}

}  // namespace

bool covers(const FlowLogRecord& log, const NetworkInterfaceRecord& interface) {
  return log.resource_id == interface.id || log.resource_id == interface.subnet_id ||
         log.resource_id == interface.vpc_id;
}

Result<void> check_flow_format(std::string_view format) {
  const auto names = names_of(format);
  if (!names) {
    return fail("InvalidParameter",
                "LogFormat must be a list of fields such as ${srcaddr}, separated by spaces");
  }
  for (const std::string_view name : *names) {
    if (!find_field(name)) {
      return fail("InvalidParameter",
                  fmt::format("Unknown field '{}': Landfall's flow logs do not have it", name));
    }
  }
  return {};
}

std::string flow_stream(const FlowLogRecord& log, const NetworkInterfaceRecord& interface) {
  const char* kind = log.traffic_type == "ALL"      ? "all"
                     : log.traffic_type == "ACCEPT" ? "accept"
                                                    : "reject";
  return fmt::format("{}-{}", interface.id, kind);
}

std::vector<std::string> flow_lines(const Scope& scope, const FlowLogRecord& log,
                                    const NetworkInterfaceRecord& interface,
                                    const host::network::FlowCounts& counts, FlowSpan span) {
  std::vector<std::string> out;
  const auto address = Ipv4::parse(interface.address);
  const std::int64_t end = seconds(span.end);
  for (const Flow& flow : counts.flows) {
    if (!wanted(log, flow) || (flow.egress ? flow.source : flow.destination) != address) continue;
    const std::int64_t start = seconds(span.end - Millis(flow.age_ms));
    out.push_back(line_of(log, {scope, interface, &flow, start, end, "OK", 2}));
  }
  if (!counts.complete) {
    out.push_back(
        line_of(log, {scope, interface, nullptr, seconds(span.start), end, "SKIPDATA", 2}));
  }
  return out;
}

std::string no_data_line(const Scope& scope, const FlowLogRecord& log,
                         const NetworkInterfaceRecord& interface, FlowSpan span) {
  return line_of(log,
                 {scope, interface, nullptr, seconds(span.start), seconds(span.end), "NODATA", 2});
}

}  // namespace landfall::ec2
