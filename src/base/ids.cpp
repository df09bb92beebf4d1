#include "base/ids.h"

namespace landfall {

Result<Arn> Arn::parse(std::string_view text) {
  std::array<std::string_view, 5> parts;
  std::string_view rest = text;
  for (std::string_view& part : parts) {
    const std::size_t colon = rest.find(':');
    if (colon == std::string_view::npos) {
      return fail("invalid-arn", fmt::format("'{}' is not an ARN", text.substr(0, 256)));
    }
    part = rest.substr(0, colon);
    rest.remove_prefix(colon + 1);
  }
  if (parts[0] != "arn" || parts[1].empty() || parts[2].empty() || rest.empty()) {
    return fail("invalid-arn", fmt::format("'{}' is not an ARN", text.substr(0, 256)));
  }
  return Arn{std::string(parts[1]), std::string(parts[2]), std::string(parts[3]),
             std::string(parts[4]), std::string(rest)};
}

std::string Arn::str() const {
  return fmt::format("arn:{}:{}:{}:{}:{}", partition, service, region, account, resource);
}

}  // namespace landfall
