#include "proxy/rules/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <charconv>
#include <cstring>

namespace landfall::proxy {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

PeerAddress PeerAddress::of(const sockaddr_storage& address) {
  PeerAddress out;
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    std::memcpy(out.bytes.data(), kMapped.data(), 12);
    std::memcpy(out.bytes.data() + 12, &v4.sin_addr, 4);
    out.port = ntohs(v4.sin_port);
  } else if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    std::memcpy(out.bytes.data(), &v6.sin6_addr, 16);
    out.port = ntohs(v6.sin6_port);
  }
  return out;
}

bool PeerAddress::is_v4() const { return std::memcmp(bytes.data(), kMapped.data(), 12) == 0; }

std::size_t PeerAddress::format(char* out) const {
  if (is_v4()) {
    char* at = out;
    for (int i = 12; i < 16; ++i) {
      at = std::to_chars(at, at + 3, bytes[static_cast<std::size_t>(i)]).ptr;
      if (i < 15) *at++ = '.';
    }
    return static_cast<std::size_t>(at - out);
  }
  inet_ntop(AF_INET6, bytes.data(), out, 46);
  return std::strlen(out);
}

std::string PeerAddress::str() const {
  char text[46];
  return {text, format(text)};
}

std::optional<AddressBlock> AddressBlock::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  AddressBlock out;
  int offset = 0;
  if (inet_pton(AF_INET, address.c_str(), out.base_.data() + 12) == 1) {
    std::memcpy(out.base_.data(), kMapped.data(), 12);
    offset = 96;
  } else if (inet_pton(AF_INET6, address.c_str(), out.base_.data()) != 1) {
    return {};
  }
  if (slash == std::string_view::npos) return out;
  const std::string_view digits = text.substr(slash + 1);
  int length = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size() || length < 0 ||
      length + offset > 128) {
    return {};
  }
  out.length_ = length + offset;
  return out;
}

bool AddressBlock::contains(const PeerAddress& address) const {
  const auto whole = static_cast<std::size_t>(length_ / 8);
  if (std::memcmp(base_.data(), address.bytes.data(), whole) != 0) return false;
  const int rest = length_ % 8;
  if (rest == 0) return true;
  const int mask = 0xff << (8 - rest) & 0xff;
  return (base_[whole] & mask) == (address.bytes[whole] & mask);
}

}  // namespace landfall::proxy
