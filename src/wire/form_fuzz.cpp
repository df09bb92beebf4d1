// Any body as the input of query and ec2 operations.
#include "base/bytes.h"
#include "wire/test_services.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace landfall;
  using namespace landfall::wire::testing;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  for (const wire::ServiceModel* service : {&kEc2Service, &kIamService, &kRdsService}) {
    for (const wire::Operation& operation : service->operations) {
      const auto call = wire::identify(*service, form_request(),
                                       fmt::format("Action={}&{}", operation.name, body));
      if (!call) continue;
      auto input = wire::read_input(*service, operation, *call, form_request(), body);
      if (!input) CHECK(!input.error().code.empty() && is_valid_utf8(input.error().message));
      const auto error = input ? Error{} : input.error();
      CHECK(is_valid_utf8(wire::write_error(*service, service->protocol, error, "r").body));
    }
  }
  return 0;
}
