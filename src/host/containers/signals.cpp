#include <csignal>

#include "host/containers/containers.h"

namespace landfall::host {

Result<int> parse_signal(std::string_view name) {
  const auto refuse = [&] {
    return fail("invalid-signal", fmt::format("'{}' is not the name of a signal", name));
  };
  int number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error == std::errc() && end == name.data() + name.size()) {
    if (number < 1 || number >= NSIG) return refuse();
    return number;
  }
  const std::string_view bare = name.starts_with("SIG") ? name.substr(3) : name;
  for (int candidate = 1; candidate < NSIG; ++candidate) {
    const char* known = sigabbrev_np(candidate);
    if (known && bare == known) return candidate;
  }
  // Real-time signals have no names in libc: "RTMIN+3" is systemd's halt.
  if (bare.starts_with("RTMIN")) {
    int offset = 0;
    const std::string_view rest = bare.substr(5);
    if (rest.empty()) return SIGRTMIN;
    if (rest.front() == '+' &&
        std::from_chars(rest.data() + 1, rest.data() + rest.size(), offset).ec == std::errc() &&
        offset >= 0 && SIGRTMIN + offset <= SIGRTMAX) {
      return SIGRTMIN + offset;
    }
  }
  return refuse();
}

}  // namespace landfall::host
