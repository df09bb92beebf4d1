// CHECK(condition): on in release; for our own bugs only, never for outside input.
#pragma once

namespace landfall {
[[noreturn]] void check_failed(const char* expression, const char* file, int line);
}  // namespace landfall

#define CHECK(condition) \
  ((condition) ? void(0) : ::landfall::check_failed(#condition, __FILE__, __LINE__))
