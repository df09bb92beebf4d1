// HTTP/2 connections as clients may speak them, from the preface on, in parts of any size: what
// becomes of their streams must be answered or reset, and never more.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "proxy/engine/client.h"
#include "proxy/http2/front.h"

using namespace landfall::proxy;

namespace {

// A worker whose thread was never started, with one listener: "/page" is answered by it, everything
// else goes to a group without targets.
struct World {
  World() : registry(1), worker(0, 1) {
    Snapshot snapshot;
    snapshot.target_groups.push_back({.id = "tg"});
    Listener listener{.id = "l", .port = 443};
    listener.rules.push_back(
        {.priority = 1,
         .conditions = {{.field = ConditionField::path_pattern, .values = {"/page*"}}},
         .action = {.kind = ActionKind::fixed_response,
                    .status = 200,
                    .content_type = "text/plain",
                    .body = "page"}});
    listener.rules.push_back({.action = {.groups = {{"tg", 1}}}});
    snapshot.load_balancers.push_back({.id = "lb",
                                       .name = "app/lb/1",
                                       .nodes = {{"", "127.0.0.1", "a"}},
                                       .listeners = {listener}});
    auto compiled = registry.compile(snapshot);
    CHECK(compiled);
    config = *compiled;
    worker.use_for_test(config);
  }
  Registry registry;
  std::shared_ptr<const CompiledConfig> config;
  Worker worker;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static World world;
  int sockets[2];
  CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sockets) == 0);
  PeerAddress peer{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 1}, 4711};
  const ListenerSocket socket{.slot = world.config->listeners[0]->slot,
                              .port = 443,
                              .where = world.config->balancers[0]->namespaces[0]};
  auto* client = new Client(world.worker, sockets[0], socket, peer, *world.config->balancers[0]);
  Http2Front& front = client->begin_http2();
  // The first byte says how large the parts are.
  const std::size_t step = data[0] == 0 ? size + 24 : data[0];
  std::string text = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  text.append(reinterpret_cast<const char*>(data) + 1, size - 1);
  for (std::size_t at = 0; at < text.size() && !client->dead; at += step) {
    front.on_bytes(std::string_view(text).substr(at, step));
    front.pump();
    char drop[65536];
    while (::recv(sockets[1], drop, sizeof drop, 0) > 0) {
    }
  }
  front.client_gone();
  CHECK(front.idle());
  if (!client->dead) client->close();
  world.worker.free_dead_for_test();
  ::close(sockets[1]);
  return 0;
}
