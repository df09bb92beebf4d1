// The peer's address and blocks of addresses, IPv4 and IPv6 alike.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

struct sockaddr;
struct sockaddr_storage;

namespace landfall::proxy {

// 16 bytes; IPv4 as ::ffff:a.b.c.d.
struct PeerAddress {
  std::array<std::uint8_t, 16> bytes{};
  std::uint16_t port = 0;

  static PeerAddress of(const sockaddr_storage& address);
  bool is_v4() const;
  // Writes "10.0.0.1" or "2001:db8::1"; returns the length. `out` holds 46 bytes.
  std::size_t format(char* out) const;
  std::string str() const;
};

class AddressBlock {
 public:
  // "10.0.0.0/8", "2001:db8::/32".
  static std::optional<AddressBlock> parse(std::string_view text);
  bool contains(const PeerAddress& address) const;

 private:
  std::array<std::uint8_t, 16> base_{};
  int length_ = 128;
};

}  // namespace landfall::proxy
