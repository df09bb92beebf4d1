#include "services/ecs/session/message.h"

#include "base/bytes.h"

namespace landfall::ecs {
namespace {

constexpr std::size_t kTypeSize = 32;
constexpr std::size_t kDigestSize = 32;
constexpr std::uint32_t kHeader = 116;  // without the payload's length
constexpr std::uint32_t kSchema = 1;

template <class Number>
void append(std::string& out, Number value) {
  for (int shift = 8 * (int(sizeof value) - 1); shift >= 0; shift -= 8)
    out += static_cast<char>(static_cast<std::uint64_t>(value) >> shift & 0xff);
}

template <class Number>
Number take(std::string_view& from) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(Number); ++i)
    value = value << 8 | static_cast<unsigned char>(from[i]);
  from.remove_prefix(sizeof(Number));
  return static_cast<Number>(value);
}

std::string_view take_bytes(std::string_view& from, std::size_t size) {
  const std::string_view out = from.substr(0, size);
  from.remove_prefix(size);
  return out;
}

// The second half of an id comes first.
std::string pack(std::string_view id) {
  std::string digits;
  for (const char c : id) {
    if (c != '-') digits += c;
  }
  const auto bytes = hex_decode(digits);
  if (!bytes || bytes->size() != 16) return std::string(16, '\0');
  return bytes->substr(8) + bytes->substr(0, 8);
}

std::string unpack(std::string_view bytes) {
  const std::string hex =
      hex_encode(std::string(bytes.substr(8)) + std::string(bytes.substr(0, 8)));
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                     hex.substr(16, 4), hex.substr(20));
}

}  // namespace

std::string write_message(const ChannelMessage& message) {
  std::string out;
  append(out, kHeader);
  std::string type = message.type;
  type.resize(kTypeSize, ' ');
  out += type;
  append(out, kSchema);
  append(out, static_cast<std::uint64_t>(to_unix_ms(message.created)));
  append(out, message.sequence);
  append(out, message.flags);
  out += pack(message.id);
  out += sha256(message.payload);
  append(out, static_cast<std::uint32_t>(message.payload_type));
  append(out, static_cast<std::uint32_t>(message.payload.size()));
  return out + message.payload;
}

Result<ChannelMessage> read_message(std::string_view bytes) {
  const auto malformed = [] {
    return fail("malformed-message", "a malformed message of a data channel");
  };
  if (bytes.size() < kHeader + 4) return malformed();
  std::string_view rest = bytes;
  if (take<std::uint32_t>(rest) != kHeader) return malformed();
  ChannelMessage out;
  out.type = take_bytes(rest, kTypeSize);
  while (!out.type.empty() && (out.type.back() == ' ' || out.type.back() == '\0'))
    out.type.pop_back();
  take<std::uint32_t>(rest);  // the schema's version
  out.created = from_unix_ms(take<std::int64_t>(rest));
  out.sequence = take<std::int64_t>(rest);
  out.flags = take<std::uint64_t>(rest);
  out.id = unpack(take_bytes(rest, 16));
  const std::string_view digest = take_bytes(rest, kDigestSize);
  out.payload_type = static_cast<Payload>(take<std::uint32_t>(rest));
  if (take<std::uint32_t>(rest) != rest.size()) return malformed();
  if (!rest.empty() && sha256(rest) != digest) return malformed();
  out.payload = rest;
  return out;
}

}  // namespace landfall::ecs
