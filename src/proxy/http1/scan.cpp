#include "proxy/http1/scan.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace landfall::proxy::http1 {
namespace {

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> out{};
  for (int c = 0; c < 256; ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool digit = c >= '0' && c <= '9';
    std::uint8_t bits = 0;
    if (letter || digit || c == '-') bits |= kToken | kPlainName;
    for (const char mark : {'!', '#', '$', '%', '&', '\'', '*', '+', '.', '^', '_', '`', '|', '~'})
      if (c == mark) bits |= kToken;
    if (c > 0x20 && c != 0x7f) bits |= kUri;
    out[static_cast<std::size_t>(c)] = bits;
  }
  return out;
}

bool is_control(unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; }

}  // namespace

const std::array<std::uint8_t, 256> kCharClass = make_classes();

const char* find_control(const char* at, const char* end, bool& non_ascii) {
#if defined(__SSE2__)
  const __m128i lowest = _mm_set1_epi8(0x1f);
  const __m128i tab = _mm_set1_epi8('\t');
  const __m128i del = _mm_set1_epi8(0x7f);
  while (end - at >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    // Unsigned "<= 0x1f" by saturating minimum.
    const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, lowest), bytes);
    const __m128i bad =
        _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(bytes, tab), low), _mm_cmpeq_epi8(bytes, del));
    const unsigned stops = static_cast<unsigned>(_mm_movemask_epi8(bad));
    const unsigned high = static_cast<unsigned>(_mm_movemask_epi8(bytes));
    if (stops != 0) {
      const int first = __builtin_ctz(stops);
      if ((high & ((1u << first) - 1)) != 0) non_ascii = true;
      return at + first;
    }
    if (high != 0) non_ascii = true;
    at += 16;
  }
#endif
  for (; at != end; ++at) {
    const auto c = static_cast<unsigned char>(*at);
    if (is_control(c)) return at;
    if (c >= 0x80) non_ascii = true;
  }
  return end;
}

const char* find_space(const char* at, const char* end) {
#if defined(__SSE2__)
  const __m128i space = _mm_set1_epi8(0x20);
  const __m128i del = _mm_set1_epi8(0x7f);
  while (end - at >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, space), bytes);
    const unsigned stops =
        static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(low, _mm_cmpeq_epi8(bytes, del))));
    if (stops != 0) return at + __builtin_ctz(stops);
    at += 16;
  }
#endif
  while (at != end && (kCharClass[static_cast<unsigned char>(*at)] & kUri) != 0) ++at;
  return at;
}

}  // namespace landfall::proxy::http1
