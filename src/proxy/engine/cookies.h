// Stickiness cookies: which target (or group) a client has been given, sealed so that clients can
// neither read nor forge it.
// docs: sticky-sessions
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/http1/head.h"

namespace landfall::proxy {

struct StickyTicket {
  std::uint64_t subject = 0;        // digest of a target or a group
  std::int64_t issued_seconds = 0;  // unix time
};

class CookieSeal {
 public:
  explicit CookieSeal(const std::array<unsigned char, 32>& key) : key_(key) {}
  std::string seal(const StickyTicket& ticket) const;
  // Absent for everything that this key has not sealed.
  std::optional<StickyTicket> open(std::string_view text) const;

 private:
  std::array<unsigned char, 32> key_;
};

// The first cookie of that name in a request. Absent: none.
std::optional<std::string_view> find_cookie(const http1::RequestHead& head, std::string_view name);

// Appends "Set-Cookie: NAME=..." and the same for cross-origin requests ("NAMECORS").
void add_set_cookie(std::string& out, std::string_view name, std::string_view value,
                    std::int64_t expires_seconds);

}  // namespace landfall::proxy
