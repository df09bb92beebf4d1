#include "host/network/conntrack.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <vector>

#include "host/network/netlink.h"

namespace landfall::host::network {
namespace {

constexpr int message_type(int type) { return NFNL_SUBSYS_CTNETLINK << 8 | type; }

bool tuple_has(std::string_view tuple, const std::set<Ipv4>& addresses) {
  bool found = false;
  for_each_attribute(tuple, [&](int type, std::string_view ip) {
    if (type != CTA_TUPLE_IP) return;
    for_each_attribute(ip, [&](int end, std::string_view value) {
      if ((end != CTA_IP_V4_SRC && end != CTA_IP_V4_DST) || value.size() != 4) return;
      std::uint32_t network_order;
      std::memcpy(&network_order, value.data(), 4);
      found = found || addresses.contains({ntohl(network_order)});
    });
  });
  return found;
}

}  // namespace

Result<void> forget_connections(const std::string& namespace_path,
                                const std::set<Ipv4>& addresses) {
  LF_TRY(socket, netfilter_socket(namespace_path));
  std::vector<std::string> victims;
  LF_OK(send_netfilter(socket.get(), message_type(IPCTNL_MSG_CT_GET), NLM_F_DUMP, AF_INET, ""));
  LF_OK(read_netfilter(socket.get(), [&](std::string_view attributes) {
    bool matches = false;
    std::string original;
    for_each_attribute(attributes, [&](int type, std::string_view payload) {
      if (type == CTA_TUPLE_ORIG) original = payload;
      if (type == CTA_TUPLE_ORIG || type == CTA_TUPLE_REPLY)
        matches = matches || tuple_has(payload, addresses);
    });
    if (matches) victims.push_back(std::move(original));
  }));
  for (const std::string& tuple : victims) {
    std::string attributes;
    append_attribute(attributes, CTA_TUPLE_ORIG | NLA_F_NESTED, tuple);
    LF_OK(send_netfilter(socket.get(), message_type(IPCTNL_MSG_CT_DELETE), NLM_F_ACK, AF_INET,
                         attributes));
    LF_OK(read_netfilter(socket.get(), [](std::string_view) {}));
  }
  return {};
}

}  // namespace landfall::host::network
