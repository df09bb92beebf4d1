// Any bytes may arrive on port 53.
#include "host/dns/names.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace landfall;
  using namespace landfall::host::dns;
  const auto query = parse_query({reinterpret_cast<const char*>(data), size});
  if (!query) return 0;
  static const View view{"vpc-1", {{{10u << 24}, 8}},        "us-west-1.compute.internal", {1},
                         true,    {{"own.test", {{3}, {4}}}}};
  static const NameTable names = {{"db.test", {"vpc-1", {{1}}, {{2}}}}};
  const Resolution found = resolve(names, view, *query);
  const std::string reply = encode_answer(*query, found.code, found.records, query->payload_limit);
  // What we send must never be taken for a question, or two servers could talk forever.
  if (parse_query(reply)) __builtin_trap();
  return 0;
}
