// One data channel: the agent's side of it, between a WebSocket and a terminal.
#pragma once

#include <deque>

#include "host/containers/terminals.h"
#include "http/websocket.h"
#include "services/ecs/session/message.h"

namespace landfall::ecs {

class Channel {
 public:
  Channel(io::Loop& loop, const Clock& clock, Random& random, http::WebSocket socket,
          std::string session, Millis idle);

  // Shakes hands, then carries bytes both ways until the command or the client ends, or nothing has
  // come or gone for `idle`. `open` starts the command.
  task<void> run(std::function<task<Result<std::unique_ptr<host::TerminalSession>>>()> open);

 private:
  task<void> receive();
  task<void> receive_all();
  task<Result<void>> take(ChannelMessage message);
  task<void> emit();
  task<void> part();
  task<void> emit_all();
  task<void> resend();
  task<void> watch_idle();
  task<Result<void>> send(Payload type, std::string payload);
  task<void> say_closed(std::string why);
  void end() {
    over_ = true;
    changed_.notify_all();
  }

  io::Loop& loop_;
  const Clock& clock_;
  Random& random_;
  http::WebSocket socket_;
  std::string session_;
  Millis idle_;
  std::unique_ptr<host::TerminalSession> terminal_;
  io::Event changed_;
  bool over_ = false;
  bool agreed_ = false;     // the client has answered the handshake
  std::int64_t sent_ = 0;   // number of the next message that we send
  std::int64_t taken_ = 0;  // number of the next message that we take
  struct Unconfirmed {
    std::int64_t sequence;
    std::string bytes;
  };
  std::deque<Unconfirmed> unconfirmed_;
  TimePoint last_{};
};

}  // namespace landfall::ecs
