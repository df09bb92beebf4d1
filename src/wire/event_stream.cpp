#include "wire/event_stream.h"

#include <zlib.h>

#include <cstdint>

namespace landfall::wire {
namespace {

constexpr char kText = 7;
constexpr std::string_view kJson = "application/json";

void put(std::string& out, std::uint32_t number, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(number >> shift));
  }
}

std::uint32_t checksum(std::string_view bytes) {
  return static_cast<std::uint32_t>(::crc32(0, reinterpret_cast<const unsigned char*>(bytes.data()),
                                            static_cast<unsigned>(bytes.size())));
}

}  // namespace

std::string encode_message(const EventHeaders& headers, std::string_view payload) {
  std::string head;
  for (const auto& [name, value] : headers) {
    put(head, static_cast<std::uint32_t>(name.size()), 1);
    head += name;
    head.push_back(kText);
    put(head, static_cast<std::uint32_t>(value.size()), 2);
    head += value;
  }
  constexpr std::size_t kPrelude = 12;
  constexpr std::size_t kEnd = 4;
  std::string out;
  out.reserve(kPrelude + head.size() + payload.size() + kEnd);
  put(out, static_cast<std::uint32_t>(kPrelude + head.size() + payload.size() + kEnd), 4);
  put(out, static_cast<std::uint32_t>(head.size()), 4);
  put(out, checksum(out), 4);
  out += head;
  out += payload;
  put(out, checksum(out), 4);
  return out;
}

std::string encode_event(std::string_view type, std::string_view json) {
  return encode_message(
      {{":message-type", "event"}, {":event-type", type}, {":content-type", kJson}}, json);
}

std::string encode_exception(std::string_view type, std::string_view json) {
  return encode_message(
      {{":message-type", "exception"}, {":exception-type", type}, {":content-type", kJson}}, json);
}

}  // namespace landfall::wire
