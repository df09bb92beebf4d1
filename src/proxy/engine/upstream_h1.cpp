#include "proxy/engine/upstream_h1.h"

#include <sys/epoll.h>

#include "proxy/engine/tls.h"

namespace landfall::proxy {
namespace {

using http1::ChunkedReader;
using http1::Parsed;

// docs: load-balancer-troubleshooting: 10 s to connect, 10 s for the handshake.
constexpr std::int64_t kConnectTimeoutMs = 10'000;
constexpr std::int64_t kIdleTimeoutMs = 60'000;
constexpr unsigned kIdleLimit = 1024;  // per target and thread

bool is_registered(const CompiledConfig& config, const TargetState& target) {
  const auto group = config.groups.find(target.group);
  if (group == config.groups.end()) return false;
  const auto& all = group->second->registered;
  return std::any_of(all.begin(), all.end(),
                     [&](const auto& each) { return each.get() == &target; });
}

}  // namespace

UpstreamH1::UpstreamH1(const Exchange& exchange, int fd, std::shared_ptr<TargetState> target,
                       std::shared_ptr<const NetworkNamespace> from)
    : Stream(exchange.worker, fd),
      counted_(exchange.listener->balancer->state, exchange.worker.index(), exchange.zone),
      target_(std::move(target)),
      from_(std::move(from)) {}

UpstreamH1::~UpstreamH1() { unlink(); }

TargetState::Connections& UpstreamH1::connections() {
  return target_->connections[worker_.index()];
}

void UpstreamH1::link(UpstreamH1*& list) {
  list_ = &list;
  previous_ = nullptr;
  next_ = list;
  if (list != nullptr) list->previous_ = this;
  list = this;
  if (list_ == &connections().idle) ++connections().idle_count;
}

void UpstreamH1::unlink() {
  if (list_ == nullptr) return;
  if (list_ == &connections().idle) --connections().idle_count;
  if (next_ != nullptr) next_->previous_ = previous_;
  (previous_ != nullptr ? previous_->next_ : *list_) = next_;
  list_ = nullptr;
  next_ = previous_ = nullptr;
}

UpstreamH1* UpstreamH1::take_idle(Worker& worker, TargetState& target,
                                  const NetworkNamespace* from) {
  for (UpstreamH1* each = target.connections[worker.index()].idle; each != nullptr;
       each = each->next_) {
    if (each->from_.get() != from) continue;
    each->unlink();
    return each;
  }
  return nullptr;
}

UpstreamH1* UpstreamH1::connect(const Exchange& exchange, TargetState& target,
                                const std::shared_ptr<const NetworkNamespace>& from, Cause& cause) {
  Worker& worker = exchange.worker;
  const int fd = start_connect(worker, target, from, cause);
  if (fd < 0) return nullptr;
  auto* out = new UpstreamH1(exchange, fd, target.shared_from_this(), from);
  out->connecting_ = true;
  if (exchange.group->tls) out->set_tls(connect_tls(false));
  if (!worker.watch(fd, *out, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)) {
    cause = Cause::no_descriptors;
    out->close();
    return nullptr;
  }
  out->set_deadline(kConnectTimeoutMs);
  return out;
}

void UpstreamH1::dispatch(Exchange& exchange, TargetState& target,
                          const std::shared_ptr<const NetworkNamespace>& from,
                          std::string_view head, Spans body, bool end) {
  Worker& worker = exchange.worker;
  UpstreamH1* connection = take_idle(worker, target, from.get());
  if (connection == nullptr) {
    Cause cause;
    connection = connect(exchange, target, from, cause);
    if (connection == nullptr) {
      exchange.fail(502, cause);
      return;
    }
  } else {
    connection->reused_ = true;
    connection->clear_deadline();
  }
  connection->begin(exchange, head, body, end);
}

void UpstreamH1::begin(Exchange& exchange, std::string_view head, Spans body, bool end) {
  exchange_ = &exchange;
  exchange.attach(*this, *target_);
  link(connections().busy);
  phase_ = Phase::head;
  keep_ = true;
  answer_seen_ = false;
  write_broken_ = false;
  std::vector<std::string_view>& spans = worker_.send_spans();
  spans.clear();
  spans.push_back(head);
  spans.insert(spans.end(), body.begin(), body.end());
  if (reused_ && exchange.replayable) {
    replay_.clear();
    for (const std::string_view span : spans) replay_.append(span);
  }
  (void)end;
  if (!send(spans) && !retry()) failed(502, Cause::target_closed);
}

// A connection that waited may have been closed by the target in the moment it was used. When no
// byte of an answer was seen and doing it twice does no harm, the request goes to the same target
// anew.
bool UpstreamH1::retry() {
  if (!reused_ || answer_seen_ || exchange_ == nullptr || !exchange_->replayable) return false;
  Exchange& exchange = *exchange_;
  const std::string request = std::move(replay_);
  Cause cause;
  UpstreamH1* fresh = connect(exchange, *target_, from_, cause);
  if (fresh == nullptr) return false;
  exchange.detach();
  exchange_ = nullptr;
  unlink();
  fresh->begin(exchange, request, {}, true);
  close();
  return true;
}

void UpstreamH1::send_body(Exchange&, Spans body, bool) {
  // What the target does not read any more is dropped; its answer may be there nonetheless.
  if (!write_broken_ && !send(body)) write_broken_ = true;
}

void UpstreamH1::abandon(Exchange&) {
  exchange_ = nullptr;
  unlink();
  close();
}

void UpstreamH1::failed(int status, Cause cause) {
  Exchange* exchange = std::exchange(exchange_, nullptr);
  unlink();
  close();
  if (exchange == nullptr) return;
  exchange->detach();
  exchange->fail(status, cause);
}

void UpstreamH1::on_open() { clear_deadline(); }

void UpstreamH1::on_drained() {
  if (exchange_ != nullptr) exchange_->front->want_body(*exchange_);
}

void UpstreamH1::on_deadline() {
  if (exchange_ == nullptr) {
    unlink();  // at once: what follows in this round must not find it
    return close();
  }
  if (connecting_) return failed(504, Cause::connect_timeout);
  failed(502, Cause::target_tls_failed);
}

void UpstreamH1::on_broken(int error) {
  if (exchange_ == nullptr) {
    unlink();
    return close();
  }
  if (retry()) return;
  if (tls() != nullptr && !tls()->established() && error == EPROTO)
    return failed(502, Cause::target_tls_failed);
  if (reused_ || answer_seen_) return failed(502, Cause::target_closed);
  const ConnectFailure failure = connect_failure(error);
  failed(failure.status, failure.cause);
}

void UpstreamH1::on_end() {
  if (exchange_ == nullptr) {
    unlink();
    return close();
  }
  if (phase_ == Phase::until_close || phase_ == Phase::tunnel) {
    keep_ = false;
    Exchange& exchange = *exchange_;
    complete({});
    exchange.respond_body({}, true);
    return;
  }
  if (retry()) return;
  failed(502, stashed() > 0 ? Cause::target_malformed : Cause::target_closed);
}

bool UpstreamH1::take_body(std::string_view& bytes, std::vector<std::string_view>& out, bool& end) {
  end = false;
  switch (phase_) {
    case Phase::head:
      return false;
    case Phase::length: {
      const auto take = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
      if (take > 0) out.push_back(bytes.substr(0, take));
      bytes.remove_prefix(take);
      left_ -= take;
      end = left_ == 0;
      return true;
    }
    case Phase::chunked: {
      const bool data_only = exchange_->front->wants_data(*exchange_);
      ChunkedReader::Piece piece;
      ChunkedReader::State state;
      do {
        state = chunks_.next(bytes, piece);
        const std::string_view part = data_only ? piece.data : piece.framed;
        if (part.empty()) continue;
        if (!out.empty() && out.back().data() + out.back().size() == part.data()) {
          out.back() = {out.back().data(), out.back().size() + part.size()};
        } else {
          out.push_back(part);
        }
      } while (state == ChunkedReader::State::more && !bytes.empty());
      end = state == ChunkedReader::State::done;
      return state != ChunkedReader::State::broken;
    }
    case Phase::until_close:
    case Phase::tunnel:
      if (!bytes.empty()) out.push_back(bytes);
      bytes = {};
      return true;
  }
  return false;
}

// The answer is complete: the connection waits for the next request, or ends.
void UpstreamH1::complete(std::string_view rest) {
  Exchange& exchange = *std::exchange(exchange_, nullptr);
  unlink();
  // Connections that were in use when their target left the configuration are not kept.
  const bool wanted =
      exchange.held == worker_.config() || is_registered(*worker_.config()->config, *target_);
  const bool reusable = keep_ && wanted && rest.empty() && exchange.request_complete &&
                        !blocked() && !write_broken_ && !worker_.draining() &&
                        connections().idle_count < kIdleLimit;
  exchange.detach();
  if (!reusable) return close();
  if (paused()) resume();
  link(connections().idle);
  set_deadline(kIdleTimeoutMs);
}

// True when an answer's head was handled; false when more bytes are needed or all is over.
bool UpstreamH1::read_head(std::string_view& bytes) {
  http1::ResponseHead& head = worker_.response_head();
  switch (http1::parse_response(bytes, head)) {
    case Parsed::incomplete:
      stash(bytes);
      return false;
    case Parsed::refused:
      failed(502, Cause::target_malformed);
      return false;
    case Parsed::complete:
      break;
  }
  bytes.remove_prefix(head.size);
  Exchange& exchange = *exchange_;
  if (head.status == 101) {
    if (!exchange.upgrade) {
      failed(502, Cause::target_malformed);
      return false;
    }
    phase_ = Phase::tunnel;
    keep_ = false;
    exchange.answer_begun = true;
    exchange.status = exchange.target_status = 101;
    exchange.front->open_tunnel(exchange, head, bytes);
    bytes = {};
    return false;
  }
  if (head.status < 200) {
    exchange.front->interim(exchange, head);
    return exchange_ != nullptr && !bytes.empty();
  }
  keep_ = !head.close;
  if (exchange.head_method || head.status == 204 || head.status == 304) {
    phase_ = Phase::length;
    left_ = 0;
  } else if (head.framing.chunked) {
    phase_ = Phase::chunked;
    chunks_ = {};
  } else if (head.framing.has_length) {
    phase_ = Phase::length;
    left_ = head.framing.length;
  } else {
    phase_ = Phase::until_close;
    keep_ = false;
  }
  std::vector<std::string_view>& spans = worker_.spans();
  spans.clear();
  bool end = false;
  if (!take_body(bytes, spans, end)) {
    failed(502, Cause::target_malformed);
    return false;
  }
  if (end) {
    complete(bytes);
    exchange.respond(head, spans, true);
    return false;
  }
  exchange.respond(head, spans, false);
  if (!dead && exchange_ != nullptr && exchange_->front->front_blocked()) pause();
  return false;
}

void UpstreamH1::on_bytes(std::string_view bytes) {
  if (exchange_ == nullptr) {
    // Nobody asked: not to be trusted with a request.
    unlink();
    return close();
  }
  answer_seen_ = true;
  if (phase_ == Phase::head) {
    while (read_head(bytes)) {
    }
    return;
  }
  std::vector<std::string_view>& spans = worker_.spans();
  spans.clear();
  bool end = false;
  Exchange& exchange = *exchange_;
  if (!take_body(bytes, spans, end)) return failed(502, Cause::target_malformed);
  if (end) complete(bytes);
  exchange.respond_body(spans, end);
  if (!dead && exchange_ != nullptr && exchange_->front->front_blocked()) pause();
}

void UpstreamH1::close_idle(TargetState& target, unsigned worker) {
  while (UpstreamH1* each = target.connections[worker].idle) {
    each->unlink();
    each->close();
  }
}

void UpstreamH1::fail_busy(TargetState& target, unsigned worker) {
  while (UpstreamH1* each = target.connections[worker].busy) each->failed(502, Cause::deregistered);
}

}  // namespace landfall::proxy
