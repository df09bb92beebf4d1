#include <cerrno>

#include "base/check.h"
#include "base/log.h"
#include "base/result.h"

namespace landfall {

std::unexpected<Error> fail_errno(std::string_view what, int error_number) {
  const char* name = strerrorname_np(error_number);
  return fail(fmt::format("errno-{}", name ? name : "unknown"),
              fmt::format("{}: {}", what, std::strerror(error_number)), 500);
}

void check_failed(const char* expression, const char* file, int line) {
  fmt::print(stderr, "CHECK failed: {} at {}:{}\n", expression, file, line);
  std::abort();
}

}  // namespace landfall
