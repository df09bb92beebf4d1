#include "host/network/conntrack.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <vector>

#include "io/files.h"
#include "io/net.h"

namespace landfall::host::network {
namespace {

struct Header {
  nlmsghdr netlink;
  nfgenmsg conntrack;
};

// Calls visit(type, payload) for each attribute.
template <class Visit>
void for_each_attribute(std::string_view bytes, Visit visit) {
  while (bytes.size() >= sizeof(nlattr)) {
    nlattr attribute;
    std::memcpy(&attribute, bytes.data(), sizeof attribute);
    if (attribute.nla_len < sizeof attribute || attribute.nla_len > bytes.size()) return;
    visit(attribute.nla_type & NLA_TYPE_MASK,
          bytes.substr(sizeof attribute, attribute.nla_len - sizeof attribute));
    bytes.remove_prefix(std::min<std::size_t>(NLA_ALIGN(attribute.nla_len), bytes.size()));
  }
}

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

void append_attribute(std::string& out, int type, std::string_view payload) {
  const nlattr attribute{static_cast<std::uint16_t>(sizeof(nlattr) + payload.size()),
                         static_cast<std::uint16_t>(type)};
  out.append(reinterpret_cast<const char*>(&attribute), sizeof attribute);
  out.append(payload);
  out.resize(NLA_ALIGN(out.size()));
}

Result<void> send_message(int socket, int type, int flags, std::string_view attributes) {
  Header header{};
  header.netlink.nlmsg_len = static_cast<std::uint32_t>(sizeof header + attributes.size());
  header.netlink.nlmsg_type = static_cast<std::uint16_t>(NFNL_SUBSYS_CTNETLINK << 8 | type);
  header.netlink.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  header.conntrack.nfgen_family = AF_INET;
  header.conntrack.version = NFNETLINK_V0;
  std::string message(reinterpret_cast<const char*>(&header), sizeof header);
  message += attributes;
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  if (::sendto(socket, message.data(), message.size(), 0, reinterpret_cast<sockaddr*>(&kernel),
               sizeof kernel) < 0) {
    return fail_errno("ask connection tracking", errno);
  }
  return {};
}

// Reads answers until the kernel says it is done; `entry` gets the attributes of each connection.
template <class Entry>
Result<void> read_answers(int socket, Entry entry) {
  std::vector<char> buffer(256 << 10);
  for (;;) {
    const ssize_t size = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail_errno("read connection tracking", errno);
    std::string_view rest(buffer.data(), static_cast<std::size_t>(size));
    while (rest.size() >= sizeof(nlmsghdr)) {
      nlmsghdr header;
      std::memcpy(&header, rest.data(), sizeof header);
      if (header.nlmsg_len < sizeof header || header.nlmsg_len > rest.size()) break;
      if (header.nlmsg_type == NLMSG_DONE) return {};
      if (header.nlmsg_type == NLMSG_ERROR) {
        int error = 0;
        std::memcpy(&error, rest.data() + sizeof header, sizeof error);
        // ENOENT: the connection ended by itself in between.
        if (error == 0 || error == -ENOENT) return {};
        return fail_errno("connection tracking", -error);
      }
      if (header.nlmsg_len >= sizeof(Header)) {
        entry(rest.substr(sizeof(Header), header.nlmsg_len - sizeof(Header)));
      }
      rest.remove_prefix(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), rest.size()));
    }
  }
}

}  // namespace

Result<void> forget_connections(const std::string& namespace_path,
                                const std::set<Ipv4>& addresses) {
  io::Fd socket;
  LF_OK(io::in_network_namespace(namespace_path, [&]() -> Result<void> {
    socket = io::Fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
    if (!socket) return fail_errno("netlink socket", errno);
    return {};
  }));
  const timeval patience{2, 0};
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0) {
    return fail_errno("SO_RCVTIMEO", errno);
  }
  std::vector<std::string> victims;
  LF_OK(send_message(socket.get(), IPCTNL_MSG_CT_GET, NLM_F_DUMP, ""));
  LF_OK(read_answers(socket.get(), [&](std::string_view attributes) {
    bool matches = false;
    std::string original;
    for_each_attribute(attributes, [&](int type, std::string_view payload) {
      if (type == CTA_TUPLE_ORIG) original = payload;
      if (type == CTA_TUPLE_ORIG || type == CTA_TUPLE_REPLY) {
        matches = matches || tuple_has(payload, addresses);
      }
    });
    if (matches) victims.push_back(std::move(original));
  }));
  for (const std::string& tuple : victims) {
    std::string attributes;
    append_attribute(attributes, CTA_TUPLE_ORIG | NLA_F_NESTED, tuple);
    LF_OK(send_message(socket.get(), IPCTNL_MSG_CT_DELETE, NLM_F_ACK, attributes));
    LF_OK(read_answers(socket.get(), [](std::string_view) {}));
  }
  return {};
}

}  // namespace landfall::host::network
