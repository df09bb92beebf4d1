// Stickiness cookies as clients may send them.
#include "base/check.h"
#include "proxy/engine/cookies.h"

using namespace landfall::proxy;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const CookieSeal seal(std::array<unsigned char, 32>{1, 2, 3});
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // Nobody guesses a sealed ticket.
  CHECK(!seal.open(text));
  http1::RequestHead head;
  head.fields.push_back({.name = "Cookie", .value = text, .known = http1::Name::cookie});
  if (const auto found = find_cookie(head, "AWSALB")) {
    CHECK(found->data() >= text.data() && found->data() + found->size() <= text.data() + size);
    CHECK(!seal.open(*found));
  }
  return 0;
}
