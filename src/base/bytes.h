// Encodings of bytes as text, and digests.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace landfall {

std::string hex_encode(std::string_view bytes);  // lower case
Result<std::string> hex_decode(std::string_view text);
std::string base64_encode(std::string_view bytes);
Result<std::string> base64_decode(std::string_view text);  // padding required, no line breaks

// Percent-encodes all but RFC 3986's unreserved characters; keep_slash leaves '/' as it is.
std::string percent_encode(std::string_view text, bool keep_slash = false);
// plus_is_space for application/x-www-form-urlencoded.
Result<std::string> percent_decode(std::string_view text, bool plus_is_space = false);

std::string sha256(std::string_view bytes);  // 32 raw bytes
std::string sha256_hex(std::string_view bytes);
std::string md5(std::string_view bytes);  // 16 raw bytes; only where a protocol demands it
std::string hmac_sha256(std::string_view key, std::string_view bytes);

// Takes the same time wherever the two differ.
bool equal_constant_time(std::string_view a, std::string_view b);

bool is_valid_utf8(std::string_view text);

// Incremental SHA-256.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void update(std::string_view bytes);
  std::string finish_hex();  // once

 private:
  void* context_;
};

}  // namespace landfall
