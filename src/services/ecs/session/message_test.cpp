#include "services/ecs/session/message.h"

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace landfall::ecs {
namespace {

ChannelMessage example() {
  return {.type = "output_stream_data",
          .created = from_unix_ms(1'700'000'000'123),
          .sequence = 7,
          .flags = 0,
          .id = "dd01e56b-ff48-483e-a508-b5f073f31b16",
          .payload_type = Payload::output,
          .payload = "payload"};
}

// The layout that session-manager-plugin's own tests expect (src/message/messageparser_test.go).
TEST(ChannelMessage, IsLaidOutAsThePluginReadsIt) {
  const std::string bytes = write_message(example());
  ASSERT_EQ(bytes.size(), 127u);
  EXPECT_EQ(hex_encode(bytes.substr(0, 4)), "00000074");
  EXPECT_EQ(bytes.substr(4, 32), "output_stream_data              ");
  EXPECT_EQ(hex_encode(bytes.substr(36, 4)), "00000001");
  EXPECT_EQ(hex_encode(bytes.substr(40, 8)), "0000018bcfe5687b");
  EXPECT_EQ(hex_encode(bytes.substr(48, 8)), "0000000000000007");
  EXPECT_EQ(hex_encode(bytes.substr(64, 16)), "a508b5f073f31b16dd01e56bff48483e");
  EXPECT_EQ(hex_encode(bytes.substr(80, 32)), sha256_hex("payload"));
  EXPECT_EQ(hex_encode(bytes.substr(112, 8)), "0000000100000007");
}

TEST(ChannelMessage, ReadsWhatItWrites) {
  const auto back = read_message(write_message(example()));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->type, "output_stream_data");
  EXPECT_EQ(back->created, example().created);
  EXPECT_EQ(back->sequence, 7);
  EXPECT_EQ(back->id, example().id);
  EXPECT_EQ(back->payload_type, Payload::output);
  EXPECT_EQ(back->payload, "payload");
}

TEST(ChannelMessage, RefusesWhatIsCutOrChanged) {
  const std::string good = write_message(example());
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(read_message(std::string_view(good).substr(0, size))) << size;
  EXPECT_FALSE(read_message(good + "x"));
  std::string changed = good;
  changed.back() = 'D';
  EXPECT_FALSE(read_message(changed));
}

}  // namespace
}  // namespace landfall::ecs
