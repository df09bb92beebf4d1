// Any body as the input of a CBOR operation: read, validated, written back.
#include "base/bytes.h"
#include "wire/cbor.h"
#include "wire/test_services.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace landfall;
  using namespace landfall::wire::testing;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  auto input = read(kCloudwatchService, cbor_request("PutMetricData"), body);
  if (input) {
    std::string text;
    wire::write_cbor(input->shape(), input->get(), text);
    auto again = read(kCloudwatchService, cbor_request("PutMetricData"), text);
    std::string once_more;
    CHECK(again.has_value());
    wire::write_cbor(again->shape(), again->get(), once_more);
    CHECK(text == once_more);
  } else {
    CHECK(!input.error().code.empty() && is_valid_utf8(input.error().message));
  }
  return 0;
}
