// IPv4 addresses and blocks as values.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace landfall {

struct Ipv4 {
  std::uint32_t value = 0;  // host byte order

  // Dotted quad without leading zeros; anything else is absent.
  static std::optional<Ipv4> parse(std::string_view text);
  std::string str() const;
  Ipv4 operator+(std::uint32_t offset) const { return {value + offset}; }
  auto operator<=>(const Ipv4&) const = default;
};

// A block of addresses in canonical form: the bits behind the prefix are zero.
struct Cidr {
  Ipv4 base;
  int length = 32;

  // "10.0.0.0/16". Absent when malformed; bits behind the prefix are cleared ("10.0.1.7/16"
  // gives 10.0.0.0/16), as EC2 does for the blocks of security group rules.
  static std::optional<Cidr> parse(std::string_view text);
  std::string str() const;
  std::uint64_t size() const { return std::uint64_t{1} << (32 - length); }
  Ipv4 last() const { return {base.value + static_cast<std::uint32_t>(size() - 1)}; }
  bool contains(Ipv4 address) const { return address >= base && address <= last(); }
  bool contains(const Cidr& other) const { return other.length >= length && contains(other.base); }
  bool overlaps(const Cidr& other) const { return contains(other.base) || other.contains(base); }
  auto operator<=>(const Cidr&) const = default;
};

}  // namespace landfall
