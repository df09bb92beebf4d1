// A blob's name: the SHA-256 of its bytes, written "sha256:<64 lower-case hexadecimal digits>".
#pragma once

#include <compare>
#include <string>
#include <string_view>

#include "base/result.h"

namespace landfall::host {

class Digest {
 public:
  // Error "digest-invalid" for anything but a well-formed sha256 digest.
  static Result<Digest> parse(std::string_view text);
  static Digest of(std::string_view bytes);

  const std::string& hex() const { return hex_; }
  std::string str() const { return "sha256:" + hex_; }
  auto operator<=>(const Digest&) const = default;

 private:
  explicit Digest(std::string hex) : hex_(std::move(hex)) {}
  std::string hex_;
};

}  // namespace landfall::host
