#include "host/images/digest.h"

#include <algorithm>

#include "base/bytes.h"

namespace landfall::host {

Result<Digest> Digest::parse(std::string_view text) {
  constexpr std::string_view kPrefix = "sha256:";
  const std::string_view hex = text.starts_with(kPrefix) ? text.substr(kPrefix.size()) : "";
  const bool good = hex.size() == 64 && std::ranges::all_of(hex, [](char c) {
                      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                    });
  if (!good)
    return fail("digest-invalid", fmt::format("'{}' is not a sha256 digest", text.substr(0, 100)));
  return Digest(std::string(hex));
}

Digest Digest::of(std::string_view bytes) { return Digest(sha256_hex(bytes)); }

}  // namespace landfall::host
