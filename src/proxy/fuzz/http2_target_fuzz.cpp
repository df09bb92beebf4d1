// HTTP/2 as targets may speak it: what a target says to our three requests, in parts of any size,
// on every connection that we make to it. Whatever it is, the client gets well-formed HTTP/2, and
// when the target has gone every request has been answered or reset.
//
// Input: a byte for the size of the parts (0: all at once), a byte of options, the target's bytes.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"
#include "proxy/engine/client.h"
#include "proxy/http2/front.h"
#include "proxy/http2/upstream.h"

using namespace landfall::proxy;

namespace {

enum Option : std::uint8_t {
  kLargeBody = 1,       // of a request, more than windows take
  kTargetReads = 2,     // all along, else only what comes first
  kClientLeaves = 4,    // before the target does
  kCancelled = 8,       // the client resets a request in the middle
  kTargetSpeaksUp = 16  // before it has got anything
};

int listen_somewhere(sockaddr_storage& address, socklen_t& size) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  address.ss_family = AF_UNIX;
  size = sizeof(sa_family_t);  // the kernel chooses a name that no file has
  CHECK(::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0);
  size = sizeof address;
  CHECK(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  CHECK(::listen(fd, 64) == 0);
  return fd;
}

// A worker whose thread was never started, with one target.
struct World {
  World() : registry(1), worker(0, 1) {
    Snapshot snapshot;
    snapshot.target_groups.push_back({.id = "tg",
                                      .version = ProtocolVersion::http2,
                                      .targets = {{.id = "t", .address = "127.0.0.1", .port = 1}}});
    Listener listener{.id = "l", .port = 443};
    listener.rules.push_back({.action = {.groups = {{"tg", 1}}}});
    snapshot.load_balancers.push_back({.id = "lb",
                                       .name = "app/lb/1",
                                       .nodes = {{"", "127.0.0.1", "a"}},
                                       .listeners = {listener}});
    auto compiled = registry.compile(snapshot);
    CHECK(compiled);
    config = *compiled;
    target = config->groups.at("tg")->registered.at(0);
    listening = listen_somewhere(target->address, target->address_size);
    worker.use_for_test(config);
  }
  Registry registry;
  std::shared_ptr<const CompiledConfig> config;
  std::shared_ptr<TargetState> target;
  int listening = -1;
  Worker worker;
};

// The target's end of every connection.
class LyingTarget {
 public:
  LyingTarget(int listening, std::string_view script, std::size_t step, std::uint8_t options)
      : listening_(listening), script_(script), step_(step), options_(options) {}
  ~LyingTarget() { leave(); }

  // True: it said something, or met someone.
  bool go_on() {
    bool busy = false;
    for (int fd; (fd = ::accept4(listening_, nullptr, nullptr, SOCK_NONBLOCK)) >= 0; busy = true) {
      connections_.push_back({fd, 0, (options_ & kTargetSpeaksUp) != 0});
      if (left_) leave();
    }
    for (Connection& each : connections_) {
      if ((options_ & kTargetReads) != 0 || !each.asked) each.asked |= read(each);
      if (!each.asked || each.at >= script_.size()) continue;
      const std::string_view part = script_.substr(each.at, step_);
      const ssize_t sent = ::send(each.fd, part.data(), part.size(), MSG_NOSIGNAL);
      each.at = sent < 0 ? script_.size() : each.at + static_cast<std::size_t>(sent);
      busy = true;
    }
    return busy;
  }
  // Connections that are made later end at once.
  void leave() {
    left_ = true;
    for (const Connection& each : connections_) ::close(each.fd);
    connections_.clear();
  }

 private:
  struct Connection {
    int fd;
    std::size_t at;
    bool asked;
  };
  static bool read(const Connection& from) {
    char drop[65536];
    bool any = false;
    while (::recv(from.fd, drop, sizeof drop, 0) > 0) any = true;
    return any;
  }

  const int listening_;
  const std::string_view script_;
  const std::size_t step_;
  const std::uint8_t options_;
  std::vector<Connection> connections_;
  bool left_ = false;
};

class StrictClient {
 public:
  StrictClient(int fd, std::uint8_t options) : fd_(fd) {
    static nghttp2_session_callbacks* const callbacks = [] {
      nghttp2_session_callbacks* made = nullptr;
      CHECK(nghttp2_session_callbacks_new(&made) == 0);
      nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(
          made, [](nghttp2_session*, const nghttp2_frame*, int, void*) -> int {
            CHECK(false);
            return 0;
          });
      nghttp2_session_callbacks_set_on_invalid_header_callback(
          made,
          [](nghttp2_session*, const nghttp2_frame*, const std::uint8_t*, std::size_t,
             const std::uint8_t*, std::size_t, std::uint8_t, void*) -> int {
            CHECK(false);
            return 0;
          });
      nghttp2_session_callbacks_set_on_stream_close_callback(
          made, [](nghttp2_session*, std::int32_t, std::uint32_t, void* user) {
            --static_cast<StrictClient*>(user)->open;
            return 0;
          });
      return made;
    }();
    CHECK(nghttp2_session_client_new(&session_, callbacks, this) == 0);
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
    ask("GET", 0);
    ask("POST", (options & kLargeBody) != 0 ? 200 << 10 : 5);
    ask("HEAD", 0);
  }
  ~StrictClient() { nghttp2_session_del(session_); }

  void cancel() { nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, 1, NGHTTP2_CANCEL); }
  // True: something went either way.
  bool go_on() {
    bool busy = false;
    const std::uint8_t* part = nullptr;
    for (ssize_t size;
         unsent_.size() < (64 << 10) && (size = nghttp2_session_mem_send(session_, &part)) > 0;) {
      unsent_.append(reinterpret_cast<const char*>(part), static_cast<std::size_t>(size));
    }
    while (!unsent_.empty()) {
      const ssize_t sent = ::send(fd_, unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
      if (sent <= 0) break;
      unsent_.erase(0, static_cast<std::size_t>(sent));
      busy = true;
    }
    static std::vector<std::uint8_t> buffer(256 << 10);
    for (ssize_t got; (got = ::recv(fd_, buffer.data(), buffer.size(), 0)) > 0; busy = true)
      CHECK(nghttp2_session_mem_recv(session_, buffer.data(), static_cast<std::size_t>(got)) >= 0);
    return busy;
  }
  int open = 0;

 private:
  void ask(std::string_view method, std::size_t body) {
    const auto field = [](std::string_view name, std::string_view value) {
      return nghttp2_nv{reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                        reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())),
                        name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
    };
    const nghttp2_nv fields[] = {field(":method", method), field(":scheme", "https"),
                                 field(":authority", "a.test"), field(":path", "/")};
    if (body > 0) left_ = body;
    nghttp2_data_provider provider{
        {.ptr = this},
        [](nghttp2_session*, std::int32_t, std::uint8_t* out, std::size_t size,
           std::uint32_t* flags, nghttp2_data_source* source, void*) -> ssize_t {
          std::size_t& left = static_cast<StrictClient*>(source->ptr)->left_;
          const std::size_t count = std::min(left, size);
          std::memset(out, 'x', count);
          left -= count;
          if (left == 0) *flags |= NGHTTP2_DATA_FLAG_EOF;
          return static_cast<ssize_t>(count);
        }};
    CHECK(nghttp2_submit_request(session_, nullptr, fields, std::size(fields),
                                 body > 0 ? &provider : nullptr, nullptr) > 0);
    ++open;
  }

  const int fd_;
  nghttp2_session* session_ = nullptr;
  std::size_t left_ = 0;
  std::string unsent_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  static World world;
  const std::uint8_t options = data[1];
  const std::string_view script(reinterpret_cast<const char*>(data) + 2, size - 2);
  int sockets[2];
  CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sockets) == 0);
  const PeerAddress peer{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 1}, 4711};
  const ListenerSocket socket{.slot = world.config->listeners[0]->slot,
                              .port = 443,
                              .where = world.config->balancers[0]->namespaces[0]};
  Worker& worker = world.worker;
  auto* front = new Client(worker, sockets[0], socket, peer, *world.config->balancers[0]);
  worker.connection_opened(*front);
  front->begin_http2();
  CHECK(worker.watch(sockets[0], *front, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET));

  StrictClient client(sockets[1], options);
  LyingTarget target(world.listening, script, data[0] == 0 ? size : data[0], options);
  const auto until_quiet = [&](bool with_client) {
    // What is still to come has to come within a few rounds: nothing here waits for time.
    for (int quiet = 0; quiet < 3;) {
      bool busy = with_client && client.go_on();
      busy |= target.go_on();
      busy |= worker.round_for_test() > 0;
      quiet = busy ? 0 : quiet + 1;
    }
  };
  if ((options & kCancelled) != 0) {
    client.go_on();
    worker.round_for_test();
    client.cancel();
  }
  until_quiet(true);
  if ((options & kClientLeaves) != 0) {
    ::close(sockets[1]);
    until_quiet(false);
    target.leave();
    until_quiet(false);
  } else {
    target.leave();
    until_quiet(true);
    CHECK(client.open == 0);
    ::close(sockets[1]);
    until_quiet(false);
  }
  CHECK(worker.connections() == 0);
  CHECK(world.target->connections[0].multiplexed == nullptr);
  CHECK(world.target->outstanding == 0);
  return 0;
}
