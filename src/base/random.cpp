#include "base/random.h"

#include <sys/random.h>

#include "base/check.h"

namespace landfall {

std::uint64_t Random::next() {
  std::uint64_t value = 0;
  fill({reinterpret_cast<unsigned char*>(&value), sizeof value});
  return value;
}

std::uint64_t Random::below(std::uint64_t bound) {
  CHECK(bound > 0);
  const std::uint64_t unbiased = UINT64_MAX - UINT64_MAX % bound;
  for (;;) {
    if (const std::uint64_t value = next(); value < unbiased) return value % bound;
  }
}

std::string Random::hex(std::size_t digits) { return pick("0123456789abcdef", digits); }

std::string Random::pick(std::string_view alphabet, std::size_t length) {
  std::string out(length, '\0');
  for (char& c : out) c = alphabet[below(alphabet.size())];
  return out;
}

std::string Random::uuid() {
  std::string h = hex(32);
  h[12] = '4';
  h[16] = "89ab"[below(4)];
  return fmt::format("{}-{}-{}-{}-{}", h.substr(0, 8), h.substr(8, 4), h.substr(12, 4),
                     h.substr(16, 4), h.substr(20));
}

void SystemRandom::fill(std::span<unsigned char> out) {
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    CHECK(got > 0 || errno == EINTR);
    if (got > 0) out = out.subspan(std::size_t(got));
  }
}

void SeededRandom::fill(std::span<unsigned char> out) {
  for (unsigned char& byte : out) byte = static_cast<unsigned char>(engine_());
}

}  // namespace landfall
