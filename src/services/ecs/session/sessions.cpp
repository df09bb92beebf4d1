#include "services/ecs/session/sessions.h"

#include "base/bytes.h"
#include "base/log.h"
#include "base/record.h"
#include "services/ecs/session/channel.h"

namespace landfall::ecs {
namespace {

struct OpenDataChannel {
  std::string TokenValue;
};
LF_RECORD(OpenDataChannel, TokenValue)

http::Response plain(int status, std::string text) {
  http::Response out{.status = status};
  out.headers.add("Content-Type", "text/plain");
  out.body = std::move(text) + "\n";
  return out;
}

}  // namespace

Result<Sessions::Opened> Sessions::open(std::string container, std::vector<std::string> command) {
  const TimePoint now = clock_.now();
  std::erase_if(waiting_, [&](const auto& entry) { return entry.second.until < now; });
  if (waiting_.size() >= kMost) return fail("too-many-sessions", "too many sessions wait");
  Opened out{"ecs-execute-command-" + random_.pick("abcdefghijklmnopqrstuvwxyz0123456789", 26),
             random_.hex(64)};
  waiting_[out.id] = {out.token, std::move(container), std::move(command), now + kOpenWithin};
  return out;
}

// Everybody may connect; the first message must carry the session's token, and a session is opened
// once.
task<void> Sessions::serve(http::Request request, http::BodyReader&, http::ResponseWriter& out) {
  const std::string id = request.path.substr(kChannelPath.size());
  if (const auto known = waiting_.find(id);
      known == waiting_.end() || known->second.until < clock_.now()) {
    (void)co_await out.send(plain(404, "no such session"));
    co_return;
  }
  auto socket = co_await http::WebSocket::accept(loop_, request, out);
  if (!socket) {
    if (!out.started()) (void)co_await out.send(plain(400, socket.error().message));
    co_return;
  }
  auto first = co_await io::with_timeout(loop_, std::chrono::seconds(10), socket->receive());
  const auto said = first && *first && (*first)->text
                        ? record::from_text<OpenDataChannel>((*first)->bytes)
                        : Result<OpenDataChannel>(fail("malformed-message", "no token came"));
  const auto known = waiting_.find(id);
  if (!said || known == waiting_.end() ||
      !equal_constant_time(said->TokenValue, known->second.token)) {
    co_await socket->close(1008);
    co_return;
  }
  const Waiting session = std::move(known->second);
  waiting_.erase(known);
  log::info("ecs", "session {} in container {}", id, session.container);
  Channel channel(loop_, clock_, random_, std::move(*socket), id, kIdle);
  host::Terminals& terminals = terminals_;
  co_await channel.run([&terminals, session] {
    return terminals.open_terminal(session.container, {.argv = session.command});
  });
}

}  // namespace landfall::ecs
