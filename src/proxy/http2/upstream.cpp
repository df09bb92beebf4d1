#include "proxy/http2/upstream.h"

#include <sys/epoll.h>

#include "base/check.h"
#include "proxy/engine/tls.h"
#include "proxy/http2/fields.h"

namespace landfall::proxy {
namespace {

constexpr std::int64_t kConnectTimeoutMs = 10'000;
constexpr std::int64_t kIdleTimeoutMs = 60'000;
constexpr nghttp2_settings_entry kSettings[] = {
    {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
    {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, Http2Session::kWindow},
    {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, http1::kResponseHeadLimit}};

}  // namespace

struct UpstreamH2Callbacks {
  static UpstreamH2& of(void* user) { return *static_cast<UpstreamH2*>(user); }

  static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                    std::uint8_t, void* user) {
    UpstreamH2Stream* stream = of(user).find(frame->hd.stream_id);
    if (stream == nullptr) return 0;
    return stream->add_field(as_text(name, name_size), as_text(value, value_size))
               ? 0
               : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  static int frame_received(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    UpstreamH2& connection = of(user);
    if (frame->hd.type == NGHTTP2_GOAWAY) {
      connection.session_.stop();
      connection.pump_later();
      return 0;
    }
    UpstreamH2Stream* stream = connection.find(frame->hd.stream_id);
    if (stream == nullptr) return 0;
    const bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (frame->hd.type == NGHTTP2_HEADERS && !stream->answered_) {
      stream->take_head(end);
    } else if (end && (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS)) {
      stream->take_end();
    }
    return 0;
  }

  static int data(nghttp2_session* session, std::uint8_t, std::int32_t id,
                  const std::uint8_t* bytes, std::size_t size, void* user) {
    // One that is slow must not hold up the others.
    nghttp2_session_consume_connection(session, size);
    if (UpstreamH2Stream* stream = of(user).find(id)) stream->take_data(as_text(bytes, size));
    return 0;
  }

  static int stream_closed(nghttp2_session*, std::int32_t id, std::uint32_t error, void* user) {
    UpstreamH2& connection = of(user);
    const auto found = connection.streams_.find(id);
    if (found == connection.streams_.end()) return 0;
    const std::unique_ptr<UpstreamH2Stream> stream = std::move(found->second);
    connection.streams_.erase(found);
    stream->closed(error);
    if (connection.streams_.empty()) connection.pump_later();
    return 0;
  }
};

namespace {

const nghttp2_session_callbacks* callbacks() {
  static nghttp2_session_callbacks* const made = [] {
    nghttp2_session_callbacks* out = nullptr;
    CHECK(nghttp2_session_callbacks_new(&out) == 0);
    nghttp2_session_callbacks_set_on_header_callback(out, UpstreamH2Callbacks::header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(out, UpstreamH2Callbacks::frame_received);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(out, UpstreamH2Callbacks::data);
    nghttp2_session_callbacks_set_on_stream_close_callback(out, UpstreamH2Callbacks::stream_closed);
    return out;
  }();
  return made;
}

}  // namespace

UpstreamH2::UpstreamH2(const Exchange& exchange, int fd, std::shared_ptr<TargetState> target,
                       std::shared_ptr<const NetworkNamespace> from)
    : Stream(exchange.worker, fd),
      counted_(exchange.listener->balancer->state, exchange.worker.index(), exchange.zone),
      target_(std::move(target)),
      from_(std::move(from)),
      pump_(*this),
      session_(Http2Session::Role::client, callbacks(), this, kSettings, 16),
      secure_(exchange.group->tls) {
  UpstreamH2*& list = target_->connections[worker_.index()].multiplexed;
  next_ = list;
  list = this;
  listed_ = true;
}

UpstreamH2::~UpstreamH2() {
  unlink();
  worker_.forget(pump_);
}

void UpstreamH2::unlink() {
  if (!std::exchange(listed_, false)) return;
  UpstreamH2** at = &target_->connections[worker_.index()].multiplexed;
  while (*at != this) at = &(*at)->next_;
  *at = next_;
  next_ = nullptr;
}

UpstreamH2Stream* UpstreamH2::find(std::int32_t id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second.get();
}

bool UpstreamH2::has_room() const {
  const std::uint32_t limit =
      nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  return !dead && !session_.going_away() && streams_.size() < limit &&
         nghttp2_session_check_request_allowed(session_) != 0;
}

UpstreamH2* UpstreamH2::find_open(Worker& worker, TargetState& target,
                                  const NetworkNamespace* from) {
  for (UpstreamH2* each = target.connections[worker.index()].multiplexed; each != nullptr;
       each = each->next_) {
    if (each->from_.get() == from && each->has_room()) return each;
  }
  return nullptr;
}

UpstreamH2* UpstreamH2::connect(const Exchange& exchange, TargetState& target,
                                const std::shared_ptr<const NetworkNamespace>& from, Cause& cause) {
  const int fd = start_connect(exchange.worker, target, from, cause);
  if (fd < 0) return nullptr;
  auto* out = new UpstreamH2(exchange, fd, target.shared_from_this(), from);
  out->connecting_ = true;
  if (out->secure_) out->set_tls(connect_tls(true));
  if (!exchange.worker.watch(fd, *out, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)) {
    cause = Cause::no_descriptors;
    out->unlink();
    out->close();
    return nullptr;
  }
  out->set_deadline(kConnectTimeoutMs);
  return out;
}

void UpstreamH2::dispatch(Exchange& exchange, TargetState& target,
                          const std::shared_ptr<const NetworkNamespace>& from,
                          std::string_view head, Spans body, bool end) {
  UpstreamH2* connection = find_open(exchange.worker, target, from.get());
  if (connection != nullptr && connection->begin(exchange, head, body, end)) return;
  Cause cause;
  connection = connect(exchange, target, from, cause);
  if (connection == nullptr) return exchange.fail(502, cause);
  if (!connection->begin(exchange, head, body, end)) exchange.fail(502, Cause::target_malformed);
}

bool UpstreamH2::begin(Exchange& exchange, std::string_view head, Spans body, bool end) {
  auto stream = std::make_unique<UpstreamH2Stream>(*this, exchange, head, end && body.empty());
  if (stream->id_ < 0) {
    // Out of stream numbers.
    session_.stop();
    pump_later();
    return false;
  }
  if (opened_) clear_deadline();
  UpstreamH2Stream& made = *stream;
  streams_[made.id_] = std::move(stream);
  exchange.attach(made, *target_);
  if (!body.empty()) made.send_body(exchange, body, end);
  pump_later();
  return true;
}

void UpstreamH2::on_open() {
  if (secure_ && !tls()->http2()) return fail_all(502, Cause::target_tls_failed);
  opened_ = true;
  clear_deadline();
  pump_later();
}

void UpstreamH2::pump() {
  if (dead) return;
  const Http2Session::Sent sent = session_.send(*this);
  if (dead) return;
  if (sent == Http2Session::Sent::malformed) return fail_all(502, Cause::target_malformed);
  if (sent == Http2Session::Sent::broken) return on_broken(EPIPE);
  if (!streams_.empty() || blocked() || !opened_) return;
  if (session_.over() || session_.going_away()) {
    unlink();
    return close();
  }
  set_deadline(kIdleTimeoutMs);
}

void UpstreamH2::on_bytes(std::string_view bytes) {
  const bool understood = session_.receive(bytes);
  if (dead) return;
  if (!understood) return fail_all(502, Cause::target_malformed);
  pump_later();
}

void UpstreamH2::fail_all(int status, Cause cause) {
  unlink();
  session_.stop();
  const auto streams = std::move(streams_);
  streams_.clear();
  close();
  for (const auto& [id, stream] : streams) {
    const bool harmless = cause == Cause::target_closed && stream->exchange_ != nullptr &&
                          stream->exchange_->replayable;
    if (harmless && stream->again()) continue;
    stream->fail(status, cause);
  }
}

void UpstreamH2::on_end() { fail_all(502, Cause::target_closed); }

void UpstreamH2::on_broken(int error) {
  if (secure_ && !opened_ && error == EPROTO) return fail_all(502, Cause::target_tls_failed);
  if (opened_) return fail_all(502, Cause::target_closed);
  const ConnectFailure failure = connect_failure(error);
  fail_all(failure.status, failure.cause);
}

void UpstreamH2::on_deadline() {
  if (streams_.empty()) {
    unlink();
    return close();
  }
  if (connecting_) return fail_all(504, Cause::connect_timeout);
  if (!opened_) fail_all(502, Cause::target_tls_failed);
}

void UpstreamH2::close_idle(TargetState& target, unsigned worker) {
  for (UpstreamH2 *each = target.connections[worker].multiplexed, *next; each != nullptr;
       each = next) {
    next = each->next_;
    each->session_.stop();
    if (!each->streams_.empty()) continue;
    each->unlink();
    each->close();
  }
}

void UpstreamH2::fail_busy(TargetState& target, unsigned worker) {
  while (UpstreamH2* each = target.connections[worker].multiplexed)
    each->fail_all(502, Cause::deregistered);
}

}  // namespace landfall::proxy
