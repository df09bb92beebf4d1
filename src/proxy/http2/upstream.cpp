#include "proxy/http2/upstream.h"

#include <nghttp2/nghttp2.h>
#include <sys/epoll.h>

#include "base/check.h"
#include "proxy/engine/tls.h"
#include "proxy/http2/fields.h"

namespace landfall::proxy {
namespace {

constexpr std::int64_t kConnectTimeoutMs = 10'000;
constexpr std::int64_t kIdleTimeoutMs = 60'000;
constexpr std::uint32_t kWindow = 256 << 10;
constexpr std::size_t kPumpSize = 128 << 10;
// Until the target has said how many it takes (RFC 9113, 6.5.2, recommends no less).
constexpr std::uint32_t kStreamsAtFirst = 100;

std::string_view view(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

struct UpstreamH2Callbacks {
  static UpstreamH2& of(void* user) { return *static_cast<UpstreamH2*>(user); }

  static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                    std::uint8_t, void* user) {
    UpstreamH2Stream* stream = of(user).find(frame->hd.stream_id);
    if (stream == nullptr) return 0;
    return stream->add_field(view(name, name_size), view(value, value_size))
               ? 0
               : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  static int frame_received(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    UpstreamH2& connection = of(user);
    if (frame->hd.type == NGHTTP2_GOAWAY) {
      connection.going_away_ = true;
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
    if (UpstreamH2Stream* stream = of(user).find(id)) stream->take_data(view(bytes, size));
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

UpstreamH2::UpstreamH2(const Exchange& exchange, int fd, std::shared_ptr<TargetState> target,
                       std::shared_ptr<const NetworkNamespace> from)
    : Stream(exchange.worker, fd),
      counted_(exchange.listener->balancer->state, exchange.worker.index(), exchange.zone),
      target_(std::move(target)),
      from_(std::move(from)),
      pump_(*this),
      secure_(exchange.group->tls) {
  static nghttp2_session_callbacks* const callbacks = [] {
    nghttp2_session_callbacks* made = nullptr;
    CHECK(nghttp2_session_callbacks_new(&made) == 0);
    nghttp2_session_callbacks_set_on_header_callback(made, UpstreamH2Callbacks::header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(made, UpstreamH2Callbacks::frame_received);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, UpstreamH2Callbacks::data);
    nghttp2_session_callbacks_set_on_stream_close_callback(made,
                                                           UpstreamH2Callbacks::stream_closed);
    return made;
  }();
  static nghttp2_option* const options = [] {
    nghttp2_option* made = nullptr;
    CHECK(nghttp2_option_new(&made) == 0);
    // Windows open as clients take what came.
    nghttp2_option_set_no_auto_window_update(made, 1);
    nghttp2_option_set_no_closed_streams(made, 1);
    nghttp2_option_set_peer_max_concurrent_streams(made, kStreamsAtFirst);
    return made;
  }();
  CHECK(nghttp2_session_client_new2(&session_, callbacks, this, options) == 0);
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kWindow},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, http1::kResponseHeadLimit}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, 16 * kWindow);
  UpstreamH2*& list = target_->connections[worker_.index()].multiplexed;
  next_ = list;
  list = this;
  listed_ = true;
}

UpstreamH2::~UpstreamH2() {
  unlink();
  worker_.forget(pump_);
  streams_.clear();
  nghttp2_session_del(session_);
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
  return !dead && !going_away_ && streams_.size() < limit &&
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
    going_away_ = true;
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
  std::string out;
  while (!blocked()) {
    const std::uint8_t* part = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &part);
    if (dead) return;
    if (size < 0) return fail_all(502, Cause::target_malformed);
    if (size > 0) out.append(view(part, static_cast<std::size_t>(size)));
    if (size > 0 && out.size() < kPumpSize) continue;
    if (!out.empty() && !send(out)) return on_broken(EPIPE);
    out.clear();
    if (size == 0) break;
  }
  if (!streams_.empty() || blocked() || !opened_) return;
  const bool over =
      nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
  if (over || going_away_) {
    unlink();
    return close();
  }
  set_deadline(kIdleTimeoutMs);
}

void UpstreamH2::on_bytes(std::string_view bytes) {
  const ssize_t used = nghttp2_session_mem_recv(
      session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (dead) return;
  if (used < 0) return fail_all(502, Cause::target_malformed);
  pump_later();
}

void UpstreamH2::fail_all(int status, Cause cause) {
  unlink();
  going_away_ = true;
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
    each->going_away_ = true;
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
