// A socket's descriptor and the wait for it to become ready. Asio stays behind it, so that the rest
// of http/ is cheap to compile; reading and writing are plain system calls.
#pragma once

#include <memory>
#include <string>

#include "io/files.h"
#include "io/net.h"

namespace landfall::http {

class Pollable {
 public:
  Pollable(io::Loop& loop, io::Fd fd);  // non-blocking
  Pollable(Pollable&&) noexcept;
  Pollable& operator=(Pollable&&) noexcept;
  ~Pollable();

  // Ready, or broken: the system call that follows tells. Throws Cancelled when stopped. One wait
  // at a time.
  task<void> readable();
  task<void> writable();
  int fd() const;
  // Ends a wait under way; its system call will then fail or see the end.
  void shutdown();
  void close();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

// A listening socket, inside a network namespace when a path is given. Errors: "address-in-use",
// "invalid-address".
Result<io::Fd> listen_socket(const io::Endpoint& at, const std::string& namespace_path);
// Starts connecting; the socket becomes writable when that is decided.
Result<io::Fd> connecting_socket(const io::Endpoint& to, const std::string& namespace_path);
io::Endpoint local_endpoint(int fd);

struct Accepted {
  io::Fd fd;
  io::Endpoint peer;
};
// Nothing when no connection waits (EAGAIN), else an errno-* error.
Result<std::optional<Accepted>> accept_socket(int fd);

}  // namespace landfall::http
