// A double as its eight bytes, least significant first: how rows of metrics hold numbers.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace landfall::cloudwatch {

inline void put_double(double value, std::string& out) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  for (int i = 0; i < 8; ++i) out += static_cast<char>(bits >> (8 * i) & 0xff);
}

// Takes the first eight bytes off `from`; false when there are fewer.
inline bool take_double(std::string_view& from, double& out) {
  if (from.size() < 8) return false;
  std::uint64_t bits = 0;
  for (int i = 0; i < 8; ++i)
    bits |= std::uint64_t(static_cast<std::uint8_t>(from[std::size_t(i)])) << (8 * i);
  from.remove_prefix(8);
  out = std::bit_cast<double>(bits);
  return true;
}

}  // namespace landfall::cloudwatch
