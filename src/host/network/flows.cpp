#include "host/network/flows.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <netinet/in.h>

#include "host/network/netlink.h"

namespace landfall::host::network {
namespace {

template <class T>
T read_big_endian(std::string_view bytes) {
  T out = 0;
  for (const char byte : bytes.substr(0, sizeof(T)))
    out = static_cast<T>(out << 8 | static_cast<unsigned char>(byte));
  return out;
}

// addresses, protocol and ports one after the other, each in a word of its own
void read_key(std::string_view key, bool ports, Flow& flow) {
  constexpr std::size_t kWord = 4;
  if (key.size() < (ports ? 5 : 3) * kWord) return;
  flow.source = {read_big_endian<std::uint32_t>(key)};
  flow.destination = {read_big_endian<std::uint32_t>(key.substr(kWord))};
  flow.protocol = static_cast<unsigned char>(key[2 * kWord]);
  if (!ports) return;
  flow.source_port = read_big_endian<std::uint16_t>(key.substr(3 * kWord));
  flow.destination_port = read_big_endian<std::uint16_t>(key.substr(4 * kWord));
}

void read_counter(std::string_view expression, Flow& flow) {
  for_each_attribute(expression, [&](int type, std::string_view data) {
    if (type != NFTA_EXPR_DATA) return;
    for_each_attribute(data, [&](int of, std::string_view value) {
      if (of == NFTA_COUNTER_BYTES) flow.bytes = read_big_endian<std::uint64_t>(value);
      if (of == NFTA_COUNTER_PACKETS) flow.packets = read_big_endian<std::uint64_t>(value);
    });
  });
}

Flow read_element(std::string_view element, const FlowSet& set) {
  Flow flow{.accepted = set.accepted, .egress = set.egress};
  for_each_attribute(element, [&](int type, std::string_view value) {
    if (type == NFTA_SET_ELEM_KEY) {
      for_each_attribute(value, [&](int of, std::string_view key) {
        if (of == NFTA_DATA_VALUE) read_key(key, set.ports, flow);
      });
    } else if (type == NFTA_SET_ELEM_EXPIRATION) {
      const auto left = static_cast<std::int64_t>(read_big_endian<std::uint64_t>(value));
      flow.age_ms = std::max<std::int64_t>(0, kFlowLifetimeS * 1000 - left);
    } else if (type == NFTA_SET_ELEM_EXPR) {
      read_counter(value, flow);
    } else if (type == NFTA_SET_ELEM_EXPRESSIONS) {
      for_each_attribute(value, [&](int, std::string_view one) { read_counter(one, flow); });
    }
  });
  return flow;
}

std::string text_attribute(std::string_view text) {
  std::string out(text);
  out += '\0';
  return out;
}

}  // namespace

const std::vector<FlowSet>& flow_sets() {
  static const std::vector<FlowSet> sets = [] {
    std::vector<FlowSet> out;
    for (const bool accepted : {true, false}) {
      for (const bool egress : {true, false}) {
        for (const bool ports : {true, false}) {
          out.push_back({fmt::format("{}_{}_{}", accepted ? "passed" : "refused",
                                     egress ? "out" : "in", ports ? "ports" : "plain"),
                         accepted, egress, ports});
        }
      }
    }
    return out;
  }();
  return sets;
}

std::string flow_set_name(const FlowSet& set, int generation) {
  return fmt::format("{}_{}", set.name, generation);
}

Result<FlowCounts> read_flows(const std::string& namespace_path, int generation) {
  LF_TRY(socket, netfilter_socket(namespace_path));
  FlowCounts out;
  for (const FlowSet& set : flow_sets()) {
    std::string attributes;
    append_attribute(attributes, NFTA_SET_ELEM_LIST_TABLE, text_attribute("landfall"));
    append_attribute(attributes, NFTA_SET_ELEM_LIST_SET,
                     text_attribute(flow_set_name(set, generation)));
    LF_OK(send_netfilter(socket.get(), NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSETELEM, NLM_F_DUMP,
                         NFPROTO_INET, attributes));
    std::size_t found = 0;
    LF_OK(read_netfilter(socket.get(), [&](std::string_view message) {
      for_each_attribute(message, [&](int type, std::string_view list) {
        if (type != NFTA_SET_ELEM_LIST_ELEMENTS) return;
        for_each_attribute(list, [&](int, std::string_view element) {
          ++found;
          Flow flow = read_element(element, set);
          if (flow.packets > 0) out.flows.push_back(flow);
        });
      });
    }));
    if (found >= kMostFlows) out.complete = false;
  }
  return out;
}

}  // namespace landfall::host::network
