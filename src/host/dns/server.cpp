#include "host/dns/server.h"

#include "base/log.h"
#include "io/shared_ports.h"

namespace landfall::host::dns {
namespace {

constexpr std::size_t kTcpLimit = 65535;

std::string with_length(std::string message) {
  const std::size_t size = message.size();
  return std::string{static_cast<char>(size >> 8 & 255), static_cast<char>(size & 255)} +
         std::move(message);
}

task<Result<std::string>> read_exactly(io::TcpStream& stream, std::size_t size) {
  std::string out(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    LF_CO_TRY(count, co_await stream.read_some({out.data() + have, size - have}));
    if (count == 0) co_return fail("end-of-stream", "the peer closed");
    have += count;
  }
  co_return out;
}

task<Result<std::string>> read_message(io::TcpStream& stream) {
  LF_CO_TRY(length, co_await read_exactly(stream, 2));
  const auto size = static_cast<std::size_t>(static_cast<unsigned char>(length[0])) << 8 |
                    static_cast<unsigned char>(length[1]);
  co_return co_await read_exactly(stream, size);
}

}  // namespace

std::vector<io::Endpoint> upstreams_of(std::string_view resolv_conf) {
  std::vector<io::Endpoint> out;
  while (!resolv_conf.empty()) {
    const auto end = std::min(resolv_conf.find('\n'), resolv_conf.size());
    std::string_view line = resolv_conf.substr(0, end);
    resolv_conf.remove_prefix(std::min(end + 1, resolv_conf.size()));
    constexpr std::string_view kWord = "nameserver";
    while (line.starts_with(' ') || line.starts_with('\t')) line.remove_prefix(1);
    if (!line.starts_with(kWord)) continue;
    line.remove_prefix(kWord.size());
    const auto first = line.find_first_not_of(" \t");
    if (first == 0 || first == std::string_view::npos) continue;
    line = line.substr(first, line.find_first_of(" \t\r#;", first) - first);
    if (out.size() < 3) out.push_back({std::string(line), 53});
  }
  return out;
}

struct Server::Listening {
  Listening(io::Loop& loop, View from) : view(std::move(from)), tasks(loop) {}
  View view;
  // Before the tasks, which use them: they are joined first.
  std::vector<std::unique_ptr<io::UdpSocket>> sockets;
  std::vector<std::unique_ptr<io::TcpListener>> listeners;
  std::size_t connections = 0;
  io::TaskScope tasks;
};

// Counts one forwarded question for as long as it lives.
struct Server::Busy {
  explicit Busy(std::size_t& counter) : counter_(counter) { ++counter_; }
  ~Busy() { --counter_; }
  Busy(const Busy&) = delete;
  std::size_t& counter_;
};

Server::Server(io::Loop& loop, ServerOptions options) : loop_(loop), options_(std::move(options)) {}
Server::~Server() { CHECK(views_.empty()); }

// Registered names come first: a zone does not take the name of a database away.
Resolution Server::look_up(const View& view, const Query& query) const {
  if (!own_name(view, query.name) && !names_.contains(query.name)) {
    if (auto found = resolve_in_zones(zones_, names_, view, query)) return std::move(*found);
  }
  return resolve(names_, view, query);
}

void Server::set_upstreams(std::vector<io::Endpoint> upstreams) {
  options_.upstreams = std::move(upstreams);
}

task<void> Server::set_names(NameTable names) {
  names_ = std::move(names);
  co_return;
}

task<void> Server::set_zones(ZoneTable zones) {
  zones_ = std::move(zones);
  co_return;
}

task<Result<void>> Server::open(View view, std::string namespace_path, std::vector<Ipv4> addresses,
                                bool reopen) {
  if (const auto found = views_.find(view.vpc_id); found != views_.end()) {
    if (!reopen) {
      found->second->view = std::move(view);
      co_return Result<void>();
    }
    co_await close(view.vpc_id);
  }
  const std::string id = view.vpc_id;
  auto listening = std::make_unique<Listening>(loop_, std::move(view));
  for (const Ipv4 address : addresses) {
    const io::SharedPorts shared;
    const io::Endpoint at{address.str(), options_.port};
    LF_CO_TRY(socket, io::UdpSocket::bind(loop_, at, namespace_path));
    LF_CO_TRY(listener, io::TcpListener::listen(loop_, at, namespace_path));
    listening->sockets.push_back(std::make_unique<io::UdpSocket>(std::move(socket)));
    listening->listeners.push_back(std::make_unique<io::TcpListener>(std::move(listener)));
  }
  Listening& at = *listening;
  views_[id] = std::move(listening);
  for (auto& socket : at.sockets) at.tasks.spawn("dns udp", serve_udp(at, *socket));
  for (auto& listener : at.listeners) at.tasks.spawn("dns tcp", serve_tcp(at, *listener));
  co_return Result<void>();
}

task<void> Server::close(std::string vpc_id) {
  const auto found = views_.find(vpc_id);
  if (found == views_.end()) co_return;
  const std::unique_ptr<Listening> closing = std::move(found->second);
  views_.erase(found);
  co_await closing->tasks.stop();
}

task<void> Server::keep_only(std::set<std::string> vpc_ids) {
  std::vector<std::string> gone;
  for (const auto& [id, listening] : views_)
    if (!vpc_ids.contains(id)) gone.push_back(id);
  for (const std::string& id : gone) co_await close(id);
}

task<void> Server::stop() {
  while (!views_.empty()) co_await close(views_.begin()->first);
}

task<void> Server::serve_udp(Listening& at, io::UdpSocket& socket) {
  for (;;) {
    auto datagram = co_await socket.receive();
    if (!datagram) {
      // An ICMP error of an earlier answer arrives as an error of this read: the client is gone,
      // the socket is not.
      log::debug("dns", "receive: {}", datagram.error().message);
      co_await loop_.sleep_for(Millis(10));
      continue;
    }
    const auto query = parse_query(datagram->bytes);
    if (!query) continue;
    if (query->question.empty() || look_up(at.view, *query).kind == Resolution::Kind::answer) {
      co_await answer_datagram(at, socket, std::move(*datagram));
    } else {
      at.tasks.spawn("dns forward", answer_datagram(at, socket, std::move(*datagram)));
    }
  }
}

task<void> Server::answer_datagram(Listening& at, io::UdpSocket& socket, io::Datagram datagram) {
  auto reply = co_await answer(at, std::move(datagram.bytes), true);
  if (!reply) co_return;
  const auto sent = co_await socket.send({std::move(*reply), datagram.peer});
  if (!sent) log::debug("dns", "send: {}", sent.error().message);
}

task<void> Server::serve_tcp(Listening& at, io::TcpListener& listener) {
  for (;;) {
    auto stream = co_await listener.accept();
    if (!stream) {
      log::debug("dns", "accept: {}", stream.error().message);
      co_await loop_.sleep_for(Millis(50));
      continue;
    }
    if (at.connections >= options_.most_connections) continue;  // closed
    at.tasks.spawn("dns connection", serve_connection(at, std::move(*stream)));
  }
}

task<void> Server::serve_connection(Listening& at, io::TcpStream stream) {
  const Busy busy(at.connections);
  for (;;) {
    auto message =
        co_await io::with_timeout(loop_, options_.connection_timeout, read_message(stream));
    if (!message) co_return;
    auto reply = co_await answer(at, std::move(*message), false);
    if (!reply) co_return;
    auto sent = co_await io::with_timeout(loop_, options_.connection_timeout,
                                          stream.write_all(with_length(std::move(*reply))));
    if (!sent) co_return;
  }
}

task<std::optional<std::string>> Server::answer(Listening& at, std::string message, bool udp) {
  const auto query = parse_query(message);
  if (!query) co_return std::nullopt;
  const std::size_t limit = udp ? query->payload_limit : kTcpLimit;
  if (query->question.empty()) co_return encode_answer(*query, Code::format_error, {}, limit);
  if (query->operation != 0) co_return encode_answer(*query, Code::not_implemented, {}, limit);
  const Resolution found = look_up(at.view, *query);
  if (found.kind == Resolution::Kind::forward)
    co_return co_await forward(*query, std::move(message), udp);
  co_return encode_answer(*query, found.code, found.records, limit);
}

task<std::string> Server::forward(Query query, std::string message, bool udp) {
  if (forwarding_ < options_.most_forwarded) {
    const Busy busy(forwarding_);
    // A copy: they may change meanwhile.
    for (const io::Endpoint& upstream : std::vector(options_.upstreams)) {
      auto reply =
          co_await io::with_timeout(loop_, options_.upstream_timeout,
                                    udp ? ask_udp(upstream, message) : ask_tcp(upstream, message));
      if (reply) co_return std::move(*reply);
    }
  }
  co_return encode_answer(query, Code::server_failure, {}, 512);
}

task<Result<std::string>> Server::ask_udp(io::Endpoint upstream, std::string message) {
  const std::string any = upstream.address.find(':') == std::string::npos ? "0.0.0.0" : "::";
  LF_CO_TRY(socket, io::UdpSocket::bind(loop_, {any, 0}));
  LF_CO_OK(co_await socket.send({message, upstream}));
  for (;;) {
    LF_CO_TRY(reply, co_await socket.receive());
    // Anybody can send to this port: the answer is from whom we asked, and to what we asked (id and
    // question bit).
    const bool ours = reply.peer.address == upstream.address && reply.peer.port == upstream.port &&
                      reply.bytes.size() >= 12 &&
                      reply.bytes.substr(0, 2) == message.substr(0, 2) && (reply.bytes[2] & 0x80);
    if (ours) co_return std::move(reply.bytes);
  }
}

task<Result<std::string>> Server::ask_tcp(io::Endpoint upstream, std::string message) {
  LF_CO_TRY(stream, co_await io::connect(loop_, upstream, options_.upstream_timeout));
  LF_CO_OK(co_await stream.write_all(with_length(std::move(message))));
  co_return co_await read_message(stream);
}

}  // namespace landfall::host::dns
