#include "cli/publish.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include <sstream>

#include "cli/data_folder.h"
#include "io/files.h"

namespace landfall::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kForm = "ADDRESS:PORT=[REGION/]BALANCER[:LISTENER PORT]";

std::unexpected<Error> malformed(std::string_view word) {
  return fail("usage", fmt::format("--publish takes {}, not '{}'", kForm, word));
}

Result<elbv2::Published> parse_one(std::string_view word) {
  const auto equals = word.find('=');
  if (equals == word.npos) return malformed(word);
  elbv2::Published out;
  const auto at = parse_endpoint(word.substr(0, equals));
  if (!at || at->port == 0) return malformed(word);
  out.at = *at;
  in_addr v4;
  in6_addr v6;
  if (::inet_pton(AF_INET, at->address.c_str(), &v4) != 1 &&
      ::inet_pton(AF_INET6, at->address.c_str(), &v6) != 1) {
    return malformed(word);
  }
  std::string_view name = word.substr(equals + 1);
  if (const auto slash = name.find('/'); slash != name.npos) {
    out.region = name.substr(0, slash);
    if (out.region.empty()) return malformed(word);
    name.remove_prefix(slash + 1);
  }
  out.listener_port = at->port;
  if (const auto colon = name.find(':'); colon != name.npos) {
    const std::string_view port = name.substr(colon + 1);
    const auto [end, error] =
        std::from_chars(port.data(), port.data() + port.size(), out.listener_port);
    if (error != std::errc() || end != port.data() + port.size() || out.listener_port == 0)
      return malformed(word);
    name = name.substr(0, colon);
  }
  if (name.empty() || name.find('/') != name.npos) return malformed(word);
  out.balancer = name;
  return out;
}

// Inodes of the sockets that listen at a port, from one of the kernel's tables.
std::set<std::string> listening_inodes(const char* table, std::uint16_t port) {
  std::set<std::string> out;
  const auto text = io::read_file(table);
  if (!text) return out;
  const std::string wanted = fmt::format(":{:04X}", port);
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string number, local, remote, state, skipped, inode;
    words >> number >> local >> remote >> state;
    for (int i = 0; i < 5; ++i) words >> skipped;
    words >> inode;
    constexpr std::string_view kListening = "0A";
    if (state == kListening && local.ends_with(wanted)) out.insert(inode);
  }
  return out;
}

bool holds(int process, const std::set<std::string>& inodes) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(fmt::format("/proc/{}/fd", process), error)) {
    std::error_code gone;
    const std::string to = fs::read_symlink(entry.path(), gone);
    if (to.starts_with("socket:[") && inodes.contains(to.substr(8, to.size() - 9))) return true;
  }
  return false;
}

}  // namespace

Result<std::vector<elbv2::Published>> parse_published(std::string_view text) {
  std::vector<elbv2::Published> out;
  while (!text.empty()) {
    const auto end = std::min(text.find(','), text.size());
    LF_TRY(one, parse_one(text.substr(0, end)));
    for (const elbv2::Published& other : out) {
      if (other.at.str() == one.at.str())
        return fail("usage", fmt::format("--publish names {} twice", one.at.str()));
    }
    out.push_back(one);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

Result<void> check_publishable(const io::Endpoint& at, std::optional<int> proxy) {
  sockaddr_in v4{.sin_family = AF_INET, .sin_port = htons(at.port), .sin_addr = {}, .sin_zero = {}};
  sockaddr_in6 v6{};
  const bool short_form = ::inet_pton(AF_INET, at.address.c_str(), &v4.sin_addr) == 1;
  if (!short_form) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(at.port);
    if (::inet_pton(AF_INET6, at.address.c_str(), &v6.sin6_addr) != 1)
      return fail("usage", fmt::format("{} is not an address", at.address));
  }
  const io::Fd probe(::socket(short_form ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!probe) return fail_errno("socket", errno);
  const int on = 1;
  ::setsockopt(probe.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (!short_form) ::setsockopt(probe.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  const auto* address =
      short_form ? reinterpret_cast<const sockaddr*>(&v4) : reinterpret_cast<const sockaddr*>(&v6);
  if (::bind(probe.get(), address, short_form ? sizeof v4 : sizeof v6) == 0) return {};
  const int error = errno;
  if (error == EADDRNOTAVAIL) {
    return fail("address-not-available",
                fmt::format("{} (--publish) is no address of this host", at.address));
  }
  if (error != EADDRINUSE) return fail_errno(fmt::format("listen on {}", at.str()), error);
  // The load balancers of an earlier start go on while no server runs.
  auto inodes = listening_inodes("/proc/net/tcp", at.port);
  inodes.merge(listening_inodes("/proc/net/tcp6", at.port));
  if (proxy && holds(*proxy, inodes)) return {};
  return fail("address-in-use",
              fmt::format("{} (--publish) is taken by another program; see who has it: ss -ltnp "
                          "'sport = :{}'",
                          at.str(), at.port));
}

}  // namespace landfall::cli
