// Taking over the port of another process without a moment in which nobody listens.
#pragma once

namespace landfall::io {

// While one lives, sockets of this thread are bound so that another process of the same user can
// bind its own, made so too, to the same address beside them (SO_REUSEPORT). No co_await in
// between.
class SharedPorts {
 public:
  SharedPorts();
  ~SharedPorts();
  SharedPorts(const SharedPorts&) = delete;
  static bool wanted();
};

}  // namespace landfall::io
