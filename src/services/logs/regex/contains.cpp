#include "services/logs/regex/contains.h"

#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace landfall::logs {

// Looks for the first and the last character of `part` at their distance, 16 places at a time:
// several times faster than memmem, which hashes pairs of characters.
bool contains(std::string_view text, std::string_view part) {
  if (part.empty()) return true;
  if (part.size() > text.size()) return false;
  if (part.size() == 1) return std::memchr(text.data(), part[0], text.size()) != nullptr;
  const char* at = text.data();
#if defined(__SSE2__)
  // The last place that a match can begin at, and what must still be there to read 16 places.
  const char* const end = text.data() + text.size() - part.size() + 1;
  const std::size_t distance = part.size() - 1;
  const __m128i first = _mm_set1_epi8(part.front());
  const __m128i last = _mm_set1_epi8(part.back());
  for (; at + 16 <= end; at += 16) {
    const auto begins = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
    const auto ends = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + distance));
    auto places = static_cast<std::uint32_t>(_mm_movemask_epi8(
        _mm_and_si128(_mm_cmpeq_epi8(begins, first), _mm_cmpeq_epi8(ends, last))));
    for (; places != 0; places &= places - 1) {
      if (std::memcmp(at + __builtin_ctz(places) + 1, part.data() + 1, distance - 1) == 0) {
        return true;
      }
    }
  }
#endif
  const auto rest = static_cast<std::size_t>(text.data() + text.size() - at);
  return memmem(at, rest, part.data(), part.size()) != nullptr;
}

}  // namespace landfall::logs
