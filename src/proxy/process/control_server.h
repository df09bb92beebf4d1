// The proxy's end of the control socket: one client at a time, each with deadlines, so that a
// stuck one cannot hold up the next for long.
#pragma once

#include <filesystem>

#include "proxy/engine/engine.h"
#include "proxy/protocol.h"

namespace landfall::proxy {

class ControlServer {
 public:
  ControlServer(Engine& engine, std::filesystem::path folder)
      : engine_(engine), folder_(std::move(folder)) {}

  // Binds <folder>/control in place of whatever is there, and writes the pid file.
  Result<void> open();

  enum class Ended : std::uint8_t {
    asked_to_stop,
    handed_over,  // a successor answers on the socket now
    signalled,
  };
  // Answers until one of these. `signals`: a signalfd. `drain_seconds`: what the stop allows.
  Ended run(int signals, int& drain_seconds);
  // No more clients; the file stays, as it may be the successor's.
  void close() { listener_.reset(); }

 private:
  // False when the process is to end.
  bool serve(int connection, Ended& ended, int& drain_seconds);
  bool hand_over(int connection);
  ControlAnswer answer(ControlRequest& request);
  Status status() const;

  Engine& engine_;
  std::filesystem::path folder_;
  io::Fd listener_;
};

// Asks the process that runs now for its sockets. Error "not-running" when there is none.
struct Predecessor {
  io::Fd connection;
  Handover handover;
  std::vector<io::Fd> sockets;
  // The successor is in force: the old process may drain.
  Result<void> confirm();
};
Result<Predecessor> take_over(const std::filesystem::path& socket_path);

}  // namespace landfall::proxy
