// Text that clients carry for us and can neither read nor change: sessions and states of logins.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace landfall::proxy {

class TextSeal {
 public:
  // `purpose`: texts sealed for one purpose do not open for another.
  TextSeal(std::string_view key, std::string_view purpose);
  // Base64 with URL characters. `context` must be the same when it is opened.
  std::string seal(std::string_view text, std::string_view context) const;
  // Absent for everything that this key has not sealed in this context.
  std::optional<std::string> open(std::string_view sealed, std::string_view context) const;

 private:
  std::string key_;
};

// RFC 4648, 5. Decoding takes texts with and without padding, and nothing else.
std::string base64url_encode(std::string_view bytes, bool padding = false);
std::optional<std::string> base64url_decode(std::string_view text);

}  // namespace landfall::proxy
