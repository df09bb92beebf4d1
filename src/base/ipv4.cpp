#include "base/ipv4.h"

namespace landfall {

std::optional<Ipv4> Ipv4::parse(std::string_view text) {
  std::uint32_t value = 0;
  for (int part = 0; part < 4; ++part) {
    if (part > 0) {
      if (!text.starts_with('.')) return {};
      text.remove_prefix(1);
    }
    unsigned octet = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), octet);
    const auto digits = static_cast<std::size_t>(end - text.data());
    if (error != std::errc() || octet > 255 || digits > 3) return {};
    if (digits > 1 && text.front() == '0') return {};  // some readers take it for octal
    value = value << 8 | octet;
    text.remove_prefix(digits);
  }
  if (!text.empty()) return {};
  return Ipv4{value};
}

std::string Ipv4::str() const {
  return fmt::format("{}.{}.{}.{}", value >> 24, value >> 16 & 255, value >> 8 & 255, value & 255);
}

std::optional<Cidr> Cidr::parse(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return {};
  const auto address = Ipv4::parse(text.substr(0, slash));
  const std::string_view length_text = text.substr(slash + 1);
  int length = -1;
  const auto [end, error] =
      std::from_chars(length_text.data(), length_text.data() + length_text.size(), length);
  if (!address || error != std::errc() || end != length_text.data() + length_text.size()) return {};
  if (length < 0 || length > 32 || length_text.size() > 2) return {};
  const std::uint32_t mask = length == 0 ? 0 : ~std::uint32_t{0} << (32 - length);
  return Cidr{{address->value & mask}, length};
}

std::string Cidr::str() const { return fmt::format("{}/{}", base.str(), length); }

}  // namespace landfall
