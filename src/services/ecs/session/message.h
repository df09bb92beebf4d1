// Messages of a Systems Manager data channel, as session-manager-plugin reads and writes them: a
// header of 120 bytes, big-endian, and a payload.
// https://github.com/aws/session-manager-plugin (src/message)
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"

namespace landfall::ecs {

enum class Payload : std::uint32_t {
  none = 0,
  output = 1,  // of a terminal, or typed
  error = 2,
  size = 3,  // {"cols": 80, "rows": 24}
  parameter = 4,
  handshake_request = 5,
  handshake_response = 6,
  handshake_complete = 7,
  flag = 10,  // a big-endian number; kTerminate
};
inline constexpr std::uint32_t kTerminate = 2;

struct ChannelMessage {
  std::string type;  // "output_stream_data", "input_stream_data", "acknowledge", "channel_closed"
  TimePoint created{};
  std::int64_t sequence = 0;
  std::uint64_t flags = 0;
  std::string id;  // UUID
  Payload payload_type = Payload::none;
  std::string payload;
};

std::string write_message(const ChannelMessage& message);
// Error "malformed-message".
Result<ChannelMessage> read_message(std::string_view bytes);

}  // namespace landfall::ecs
