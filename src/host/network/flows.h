// Flows as the firewall counts them: sets of nftables that packets add their addresses and ports
// to, with a counter each. See docs/adr/0032-flow-logs.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ipv4.h"
#include "base/result.h"

namespace landfall::host::network {

// Sets of one generation, by what happened to the packets that are counted there.
struct FlowSet {
  std::string name;  // without the generation
  bool accepted = false;
  bool egress = false;  // counted for the sender; else for the receiver
  bool ports = false;   // TCP and UDP
};
const std::vector<FlowSet>& flow_sets();
std::string flow_set_name(const FlowSet& set, int generation);

// A set takes no more; further flows of its kind are not counted.
inline constexpr std::size_t kMostFlows = 16'384;
// An element goes after this time even when nobody has read it.
inline constexpr std::int64_t kFlowLifetimeS = 86'400;

struct Flow {
  bool accepted = false;
  bool egress = false;
  Ipv4 source, destination;
  int protocol = 0;
  std::uint16_t source_port = 0, destination_port = 0;
  std::uint64_t packets = 0, bytes = 0;
  std::int64_t age_ms = 0;  // since its first packet
};

struct FlowCounts {
  std::vector<Flow> flows;
  bool complete = true;  // false: a set was full
};

// Reads the sets of a generation in the namespace; sets or a table that are not there count
// nothing.
Result<FlowCounts> read_flows(const std::string& namespace_path, int generation);

}  // namespace landfall::host::network
