// The server's side of a WebSocket (RFC 6455): messages over an upgraded connection. Without
// extensions; pings are answered here.
#pragma once

#include "http/server.h"
#include "io/exclusive.h"

namespace landfall::http {

struct WebSocketMessage {
  bool text = false;
  std::string bytes;
};

class WebSocket {
 public:
  static constexpr std::size_t kMostMessage = 1 << 20;

  // Answers the handshake. Errors: "not-websocket" (the request asks for something else; nothing
  // has been answered), those of the connection.
  static task<Result<WebSocket>> accept(io::Loop& loop, const Request& request,
                                        ResponseWriter& out);

  // None: the peer has closed. Errors: "malformed-message", "message-too-large",
  // "connection-lost". One reader at a time.
  task<Result<std::optional<WebSocketMessage>>> receive();
  // Any number of writers.
  task<Result<void>> send(WebSocketMessage message);
  // Says goodbye; what comes afterwards need not be read.
  task<void> close(int code);

 private:
  WebSocket(io::Loop& loop, Duplex& connection)
      : connection_(&connection), writing_(std::make_unique<io::Exclusive>(loop)) {}
  task<Result<void>> frame(int opcode, std::string bytes);
  task<Result<bool>> fill(std::size_t wanted);

  Duplex* connection_;
  std::unique_ptr<io::Exclusive> writing_;
  std::string pending_;
};

// The value of Sec-WebSocket-Accept for a Sec-WebSocket-Key.
std::string websocket_accept(std::string_view key);

}  // namespace landfall::http
