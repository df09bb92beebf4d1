#include "host/network/netlink.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "io/net.h"

namespace landfall::host::network {
namespace {

struct Header {
  nlmsghdr netlink;
  nfgenmsg netfilter;
};

}  // namespace

Result<io::Fd> netfilter_socket(const std::string& namespace_path) {
  io::Fd socket;
  LF_OK(io::in_network_namespace(namespace_path, [&]() -> Result<void> {
    socket = io::Fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
    if (!socket) return fail_errno("netlink socket", errno);
    return {};
  }));
  const timeval patience{2, 0};
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0)
    return fail_errno("SO_RCVTIMEO", errno);
  return socket;
}

void for_each_attribute(std::string_view bytes,
                        const std::function<void(int type, std::string_view payload)>& visit) {
  while (bytes.size() >= sizeof(nlattr)) {
    nlattr attribute;
    std::memcpy(&attribute, bytes.data(), sizeof attribute);
    if (attribute.nla_len < sizeof attribute || attribute.nla_len > bytes.size()) return;
    visit(attribute.nla_type & NLA_TYPE_MASK,
          bytes.substr(sizeof attribute, attribute.nla_len - sizeof attribute));
    bytes.remove_prefix(std::min<std::size_t>(NLA_ALIGN(attribute.nla_len), bytes.size()));
  }
}

void append_attribute(std::string& out, int type, std::string_view payload) {
  const nlattr attribute{static_cast<std::uint16_t>(sizeof(nlattr) + payload.size()),
                         static_cast<std::uint16_t>(type)};
  out.append(reinterpret_cast<const char*>(&attribute), sizeof attribute);
  out.append(payload);
  out.resize(NLA_ALIGN(out.size()));
}

Result<void> send_netfilter(int socket, int type, int flags, int family,
                            std::string_view attributes) {
  Header header{};
  header.netlink.nlmsg_len = static_cast<std::uint32_t>(sizeof header + attributes.size());
  header.netlink.nlmsg_type = static_cast<std::uint16_t>(type);
  header.netlink.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  header.netfilter.nfgen_family = static_cast<std::uint8_t>(family);
  header.netfilter.version = NFNETLINK_V0;
  std::string message(reinterpret_cast<const char*>(&header), sizeof header);
  message += attributes;
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  if (::sendto(socket, message.data(), message.size(), 0, reinterpret_cast<sockaddr*>(&kernel),
               sizeof kernel) < 0) {
    return fail_errno("ask the packet filter", errno);
  }
  return {};
}

Result<void> read_netfilter(int socket, const std::function<void(std::string_view)>& entry) {
  std::vector<char> buffer(256 << 10);
  for (;;) {
    const ssize_t size = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail_errno("read from the packet filter", errno);
    std::string_view rest(buffer.data(), static_cast<std::size_t>(size));
    while (rest.size() >= sizeof(nlmsghdr)) {
      nlmsghdr header;
      std::memcpy(&header, rest.data(), sizeof header);
      if (header.nlmsg_len < sizeof header || header.nlmsg_len > rest.size()) break;
      if (header.nlmsg_type == NLMSG_DONE) return {};
      if (header.nlmsg_type == NLMSG_ERROR) {
        int error = 0;
        std::memcpy(&error, rest.data() + sizeof header, sizeof error);
        if (error == 0 || error == -ENOENT) return {};
        return fail_errno("packet filter", -error);
      }
      if (header.nlmsg_len >= sizeof(Header))
        entry(rest.substr(sizeof(Header), header.nlmsg_len - sizeof(Header)));
      rest.remove_prefix(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), rest.size()));
    }
  }
}

}  // namespace landfall::host::network
