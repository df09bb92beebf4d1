#include "proxy/auth/session.h"

#include "proxy/engine/cookies.h"

namespace landfall::proxy {
namespace {

// Browsers take 4096 bytes of a cookie with its name and attributes.
constexpr std::size_t kShard = 3840;

std::string shard_name(std::string_view name, std::size_t number) {
  return fmt::format("{}-{}", name, number);
}

}  // namespace

std::optional<std::string> session_cookie(const http1::RequestHead& head, std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < kMostShards; ++i) {
    const auto shard = find_cookie(head, shard_name(name, i));
    if (!shard && i == 0) return {};
    if (!shard) break;
    out.append(*shard);
  }
  return out;
}

std::string session_cookie_lines(const http1::RequestHead& head, std::string_view name,
                                 std::string_view sealed, std::int64_t expires_seconds) {
  std::string out;
  const std::string date = format_http_date(from_unix_ms(expires_seconds * 1000));
  for (std::size_t i = 0; i < kMostShards; ++i) {
    const std::string shard = shard_name(name, i);
    const std::string_view value = sealed.substr(0, kShard);
    sealed.remove_prefix(value.size());
    if (!value.empty()) {
      out += fmt::format("Set-Cookie: {}={}; Expires={}; Path=/; Secure; HttpOnly\r\n", shard,
                         value, date);
    } else if (find_cookie(head, shard)) {
      out += fmt::format(
          "Set-Cookie: {}=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; Secure; HttpOnly\r\n",
          shard);
    }
  }
  return out;
}

}  // namespace landfall::proxy
