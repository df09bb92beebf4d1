// Any body as the input of a JSON operation: read, validated, written back.
#include "base/bytes.h"
#include "wire/json.h"
#include "wire/test_services.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace landfall;
  using namespace landfall::wire::testing;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  auto input = read(kEcsService, json_request("RegisterTaskDefinition"), body);
  if (input) {
    std::string text;
    wire::write_json(input->shape(), input->get(), text);
    auto again = read(kEcsService, json_request("RegisterTaskDefinition"), text);
    CHECK(again && wire::equal(input->shape(), input->get(), again->get()));
    auto& in = input->as<ecs::RegisterTaskDefinitionRequest>();
    ecs::RegisterTaskDefinitionRequest kept;
    CHECK(from_json(to_json(in), kept) && wire::equal(in, kept));
  } else {
    CHECK(!input.error().code.empty() && is_valid_utf8(input.error().message));
  }
  return 0;
}
