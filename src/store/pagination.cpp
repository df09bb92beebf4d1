#include "store/pagination.h"

#include "base/bytes.h"

namespace landfall::store {

namespace {
constexpr std::size_t kCheckBytes = 8;
std::string check_of(std::string_view list, std::string_view item) {
  return sha256(fmt::format("{}\n{}", list, item)).substr(0, kCheckBytes);
}
}  // namespace

std::string make_page_token(std::string_view list, std::string_view last_item) {
  return base64_encode(check_of(list, last_item) + std::string(last_item));
}

Result<std::string> read_page_token(std::string_view list, std::string_view token) {
  auto bytes = base64_decode(token);
  if (!bytes || bytes->size() < kCheckBytes ||
      !equal_constant_time(bytes->substr(0, kCheckBytes),
                           check_of(list, bytes->substr(kCheckBytes)))) {
    return fail("invalid-token", "The specified nextToken is invalid.");
  }
  return bytes->substr(kCheckBytes);
}

}  // namespace landfall::store
