#include "wire/cbor.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/bytes.h"
#include "wire/test_services.h"

namespace landfall::wire::testing {
namespace {

std::string from_hex(std::string text) {
  std::erase(text, ' ');
  return hex_decode(text).value();
}

Result<Object> read_hex(const std::string& hex) {
  return read(kCloudwatchService, cbor_request("PutMetricData"), from_hex(hex));
}

// {"Namespace": "n", "MetricData": [{"MetricName": "m", ... }]}
std::string datum(const std::string& more) {
  return "a2 69 4e616d657370616365 61 6e 6a 4d657472696344617461 81 bf 6a 4d65747269634e616d65 61 "
         "6d" +
         more + "ff";
}
const std::string kValue = "65 56616c7565";
const std::string kTimestamp = "69 54696d657374616d70";

double value_of(const std::string& number) {
  auto input = read_hex(datum(kValue + number));
  EXPECT_TRUE(input) << (input ? "" : input.error().message);
  return input ? *input->as<cloudwatch::PutMetricDataRequest>().metric_data[0].value : NAN;
}

TEST(Cbor, ReadsNumbersOfEveryWidth) {
  EXPECT_EQ(value_of("07"), 7);
  EXPECT_EQ(value_of("1818"), 24);
  EXPECT_EQ(value_of("190100"), 256);
  EXPECT_EQ(value_of("1a00010000"), 65536);
  EXPECT_EQ(value_of("1b0000000100000000"), 4294967296.0);
  EXPECT_EQ(value_of("20"), -1);
  EXPECT_EQ(value_of("3863"), -100);
  EXPECT_EQ(value_of("f93e00"), 1.5);
  EXPECT_EQ(value_of("f90001"), std::ldexp(1, -24));
  EXPECT_EQ(value_of("fa3fc00000"), 1.5);
  EXPECT_EQ(value_of("fb3ff8000000000000"), 1.5);
  EXPECT_EQ(value_of("f97c00"), HUGE_VAL);
  EXPECT_TRUE(std::isnan(value_of("f97e00")));
}

TEST(Cbor, ReadsTimesAndSkipsWhatItDoesNotKnow) {
  // A tagged time in whole seconds, and one with a fraction.
  auto input = read_hex(datum(kTimestamp + "c1 1a 6b018c5a"));
  ASSERT_TRUE(input);
  EXPECT_EQ(to_unix_ms(*input->as<cloudwatch::PutMetricDataRequest>().metric_data[0].timestamp),
            0x6b018c5aLL * 1000);
  input = read_hex(datum(kTimestamp + "c1 fb 41dac06296a6978d"));
  ASSERT_TRUE(input);
  EXPECT_EQ(to_unix_ms(*input->as<cloudwatch::PutMetricDataRequest>().metric_data[0].timestamp),
            1'795'263'066'603);
  // Unknown members of every form, a null, strings in parts.
  input = read_hex(datum("61 78 bf 61 61 9f 01 f5 ff 61 62 c2 41 ff ff" + kValue + "f6" +
                         "64 556e6974 7f 62 436f 63 756e74 ff"));
  ASSERT_TRUE(input) << input.error().message;
  const auto& read_back = input->as<cloudwatch::PutMetricDataRequest>().metric_data[0];
  EXPECT_EQ(read_back.value, std::nullopt);
  EXPECT_EQ(read_back.unit, "Count");
}

TEST(Cbor, NamesMissingMembersAndBrokenConstraints) {
  EXPECT_EQ(read_hex("a0").error().message,
            "1 validation error detected: Value null at 'namespace' failed to satisfy constraint: "
            "Member must not be null");
  EXPECT_EQ(read_hex("a1 69 4e616d657370616365 60").error().code, "ValidationError");
}

TEST(Cbor, RefusesWhatIsNotOfItsType) {
  const char* const bodies[] = {
      "80",                              // a list
      "a1 69 4e616d657370616365 01",     // a number for a string
      "a1 69 4e616d657370616365 61 ff",  // not UTF-8
      "a1 01 02",                        // a key that is a number
      "a2 69 4e616d657370616365 61 6e",  // cut
      "bf 69 4e616d657370616365 61 6e",  // no break
      "bb ffffffffffffffff",             // more pairs than bytes
      "a1 69 4e616d657370616365 7b ffffffffffffffff",
      "a1 69 4e616d657370616365 61 6e 00",  // goes on
      "1c",
      "ff",
      "",
  };
  for (const char* body : bodies) {
    const std::string bytes = from_hex(body);
    wire::Problems problems(kCloudwatchService);
    Object out(cloudwatch::PutMetricDataRequest::kShape);
    const auto read = read_cbor(out.shape(), bytes, out.get(), problems);
    ASSERT_FALSE(read) << body;
    EXPECT_EQ(read.error().code, "SerializationException") << body;
  }
  for (const char* value : {"6131", "f5", "c101", "9f"}) {
    EXPECT_EQ(read_hex(datum(kValue + value)).error().code, "SerializationException") << value;
  }
  EXPECT_FALSE(read_hex(datum(kTimestamp + "01")));
}

TEST(Cbor, BoundsNesting) {
  const auto deep = read(kCloudwatchService, cbor_request("PutMetricData"),
                         from_hex("a1 61 78") + std::string(100'000, '\x81'));
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().message, "the CBOR is nested too deeply");
}

TEST(Cbor, WritesAnswers) {
  cloudwatch::GetMetricDataResponse out;
  auto& result = out.metric_data_results.emplace_back();
  result.id = "m1";
  result.timestamps.push_back(from_unix_ms(1'795'262'910'000));
  result.values.push_back(1.5);
  const auto response =
      write_output(kCloudwatchService, *find_operation(kCloudwatchService, "GetMetricData"),
                   Protocol::rpc_v2_cbor, Object::of(std::move(out)), "r");
  EXPECT_EQ(response.headers.get("smithy-protocol"), "rpc-v2-cbor");
  EXPECT_EQ(response.headers.get("content-type"), "application/cbor");
  EXPECT_EQ(hex_encode(response.body),
            hex_encode(from_hex("a2"
                                "71 4d657472696344617461526573756c7473 81 a3"
                                "62 4964 62 6d31"
                                "6a 54696d657374616d7073 81 c1 1a 6b0189be"
                                "66 56616c756573 81 fb3ff8000000000000"
                                "68 4d65737361676573 80")));
}

TEST(Cbor, WritesErrorsThatQueryClientsKnow) {
  const auto response = write_error(kCloudwatchService, Protocol::rpc_v2_cbor,
                                    {"NoSuchEntityException", "no", 404}, "r");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.body, "\xa2\x66__type\x75NoSuchEntityException\x67message\x62no");
  EXPECT_EQ(response.headers.get("x-amzn-query-error"), "NoSuchEntity;Sender");
  const auto xml =
      write_error(kCloudwatchService, Protocol::query, {"NoSuchEntityException", "no", 404}, "r");
  EXPECT_NE(xml.body.find("<Code>NoSuchEntity</Code>"), xml.body.npos) << xml.body;
}

TEST(Cbor, OneServiceSpeaksThreeProtocols) {
  EXPECT_EQ(identify(kCloudwatchService, cbor_request("PutMetricData"), "")->protocol,
            Protocol::rpc_v2_cbor);
  EXPECT_EQ(identify(kCloudwatchService, json_request("PutMetricData", "1.0"), "{}")->protocol,
            Protocol::json_1_0);
  const auto form = identify(kCloudwatchService, form_request(),
                             "Action=PutMetricData&Version=2014-10-31&Namespace=n");
  ASSERT_TRUE(form);
  EXPECT_EQ(form->protocol, Protocol::query);
  EXPECT_EQ(form->operation, "PutMetricData");
}

}  // namespace
}  // namespace landfall::wire::testing
