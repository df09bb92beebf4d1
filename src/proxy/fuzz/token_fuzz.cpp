// Tokens, key sets and cookies as strangers may send them.
#include "base/check.h"
#include "proxy/auth/jwt.h"
#include "proxy/auth/session.h"

using namespace landfall::proxy;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const TextSeal seal("key", "fuzz");
  static const auto none = KeySet::parse(R"({"keys":[]})");
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // Nobody guesses what is sealed.
  CHECK(!seal.open(text, ""));
  if (const auto token = parse_jwt(text)) {
    CHECK(text.starts_with(token->signed_part));
    CHECK(!none->verifies(*token));
    const JwtSettings settings{.jwks_endpoint = "", .issuer = "me", .claims = {{"scope"}}};
    (void)claims_problem(token->payload, settings, 1'800'000'000);
  }
  if (const auto keys = KeySet::parse(text)) CHECK(keys->size() <= KeySet::kMostKeys);
  http1::RequestHead head;
  head.fields.push_back({.name = "Cookie", .value = text, .known = http1::Name::cookie});
  if (const auto cookie = session_cookie(head, "S")) CHECK(cookie->size() <= text.size());
  return 0;
}
