// reachable_from_outside of port.h
#include "services/ec2/port.h"

namespace landfall::ec2 {
namespace {

// TEST-NET-3 (RFC 5737) belongs to nobody.
constexpr std::string_view kSomebody = "203.0.113.1";

std::string for_anybody(std::string text) {
  for (const auto& [from, to] : {std::pair(std::string(kSomebody) + "/32", "0.0.0.0/0"),
                                 std::pair(std::string(kSomebody), "the internet")}) {
    if (const std::size_t at = text.find(from); at != std::string::npos)
      text.replace(at, from.size(), to);
  }
  return text;
}

}  // namespace

Reachability reachable_from_outside(Port& ec2, const Scope& scope, const Peer& to,
                                    std::string_view protocol, std::uint16_t port) {
  Reachability out = ec2.reachability(scope, {"", *Ipv4::parse(kSomebody)}, to, protocol, port);
  out.why = for_anybody(std::move(out.why));
  out.remedy = for_anybody(std::move(out.remedy));
  return out;
}

}  // namespace landfall::ec2
