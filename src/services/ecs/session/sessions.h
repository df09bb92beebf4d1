// ECS Exec: commands in containers over a Systems Manager data channel, which
// session-manager-plugin (called by `aws ecs execute-command`) opens as a WebSocket.
#pragma once

#include <map>

#include "base/random.h"
#include "host/containers/terminals.h"
#include "http/websocket.h"

namespace landfall::ecs {

inline constexpr std::string_view kChannelPath = "/v1/data-channel/";

class Sessions {
 public:
  // Sessions that nobody opens are forgotten after this.
  static constexpr Millis kOpenWithin = std::chrono::minutes(1);
  // Without a byte in either direction, as on AWS.
  static constexpr Millis kIdle = std::chrono::minutes(20);
  static constexpr std::size_t kMost = 1000;

  Sessions(io::Loop& loop, const Clock& clock, Random& random, host::Terminals& terminals)
      : loop_(loop), clock_(clock), random_(random), terminals_(terminals) {}

  struct Opened {
    std::string id;     // "ecs-execute-command-..."
    std::string token;  // for one connection
  };
  // Error "too-many-sessions".
  Result<Opened> open(std::string container, std::vector<std::string> command);
  // A request below kChannelPath.
  task<void> serve(http::Request request, http::BodyReader& body, http::ResponseWriter& out);

 private:
  struct Waiting {
    std::string token;
    std::string container;
    std::vector<std::string> command;
    TimePoint until{};
  };

  io::Loop& loop_;
  const Clock& clock_;
  Random& random_;
  host::Terminals& terminals_;
  std::map<std::string, Waiting> waiting_;  // by id
};

}  // namespace landfall::ecs
