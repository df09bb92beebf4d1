#include "wire/event_stream.h"

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace landfall::wire {
namespace {

// The example of the format's description: no headers, payload {'foo':'bar'}.
TEST(EventStream, WritesTheDocumentedBytes) {
  EXPECT_EQ(hex_encode(encode_message({}, "")), "000000100000000005c248eb7d98c8ff");
  EXPECT_EQ(hex_encode(encode_message({}, "{'foo':'bar'}")),
            "0000001d00000000fd528c5a7b27666f6f273a27626172277dc3653936");
  const std::string one = encode_message({{"content-type", "application/json"}}, "{'foo':'bar'}");
  EXPECT_EQ(one.size(), 61U);
  EXPECT_EQ(hex_encode(one.substr(0, 12)), "0000003d0000002007fd8396");
  EXPECT_EQ(hex_encode(one.substr(57)), "8d9c08b1");
}

}  // namespace
}  // namespace landfall::wire
