// Any document as the body of a rest-xml operation: what is read can be written and read again.
#include "base/bytes.h"
#include "wire/test_services.h"
#include "wire/xml.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace landfall;
  using namespace landfall::wire::testing;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  rds::DBInstance instance;
  wire::Problems problems(kRdsService);
  if (wire::read_xml(rds::DBInstance::kShape, body, &instance, problems)) {
    std::string text = "<x>";
    wire::write_xml_members(rds::DBInstance::kShape, &instance, text);
    rds::DBInstance again;
    CHECK(wire::read_xml(rds::DBInstance::kShape, text + "</x>", &again, problems));
    CHECK(is_valid_utf8(text));
  }
  return 0;
}
