// Questions to servers outside (identity providers): a thread of their own with an event loop, so
// that no worker ever waits for one.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "http/tls.h"
#include "io/loop.h"

namespace landfall::proxy {

// How they are reached.
struct Way {
  std::string network_namespace;  // of the balancer's node: its address, routes and rules
  std::shared_ptr<const http::TlsContext> tls;  // knows the authorities; null: the system's
};

inline constexpr Millis kOutsideTimeout = std::chrono::seconds(5);  // AWS's, for each question

class OutsideCalls {
 public:
  OutsideCalls();
  ~OutsideCalls();
  OutsideCalls(const OutsideCalls&) = delete;

  // Runs what `make` returns on the thread, which begins with the first call. False: too many are
  // under way, or it has been stopped.
  bool start(std::function<task<void>(io::Loop&)> make);
  // Cancels what is under way and ends the thread.
  void stop();

 private:
  struct Running;
  std::mutex mutex_;
  bool stopped_ = false;
  std::unique_ptr<Running> running_;
};

}  // namespace landfall::proxy
