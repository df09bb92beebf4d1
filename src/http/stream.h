// A connection's bytes, plain or TLS, with a limit on how long a wait for the peer may last. The
// limits are checked by whoever owns the stream (expired(), cut()), so that waiting costs no timer.
#pragma once

#include <chrono>
#include <initializer_list>
#include <span>

#include "http/pollable.h"
#include "http/tls.h"

namespace landfall::http {

using SteadyTime = std::chrono::steady_clock::time_point;

class Stream {
 public:
  Stream(io::Loop& loop, io::Fd fd);

  // TLS from here on; completes the handshake. Errors: "tls-failed", "timeout", "connection-lost".
  task<Result<void>> handshake(TlsSession session);
  // Waits until at least one byte is there and looks at it; nothing at the end of the stream.
  task<Result<std::optional<unsigned char>>> peek();

  // At least one byte; 0 at the end of the stream. `into` may be shared with other connections: it
  // is written and the caller resumed without a task switch in between.
  task<Result<std::size_t>> read_some(std::span<char> into);
  // Waits for bytes, then reads what is there, at most `most`: no memory is held while waiting.
  // Empty at the end.
  task<Result<std::string>> read_piece(std::size_t most);
  task<Result<void>> write_all(std::string_view first, std::string_view second = {},
                               std::string_view third = {});

  // How long each wait for the peer may last.
  void set_timeout(Millis timeout) { timeout_ = timeout; }
  // When the peer must be done whatever happens; max() for never.
  void set_deadline(SteadyTime deadline) { deadline_ = deadline; }
  bool expired(SteadyTime now) const { return waiting_ && now >= std::min(wait_ends_, deadline_); }
  int fd() const { return pollable_.fd(); }
  // Breaks the connection; waits under way return. With timed_out they return the error "timeout".
  void cut(bool timed_out);
  // Says that nothing more will be sent.
  void finish_sending();
  void close() { pollable_.close(); }

 private:
  enum class Need { nothing, readable, writable };
  struct Step {
    std::ptrdiff_t count = 0;  // bytes moved; 0: end of stream
    Need need = Need::nothing;
    bool broken = false;
  };
  Step try_read(std::span<char> into);
  Step try_write(std::span<const std::string_view> parts);
  Step tls_step(int result);
  task<void> wait(Need need);
  std::unexpected<Error> broken(std::string_view what);

  io::Loop& loop_;
  Pollable pollable_;
  TlsSession tls_;
  Millis timeout_ = std::chrono::seconds(60);
  SteadyTime deadline_ = SteadyTime::max();
  SteadyTime wait_ends_;
  int without_wait_ = 0;
  bool waiting_ = false;
  bool timed_out_ = false;
  Error failure_;
};

}  // namespace landfall::http
