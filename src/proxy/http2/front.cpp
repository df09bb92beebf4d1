#include "proxy/http2/front.h"

#include <nghttp2/nghttp2.h>

#include "base/check.h"
#include "proxy/engine/client.h"

namespace landfall::proxy {
namespace {

// docs: application-load-balancers: 128 streams.
constexpr std::uint32_t kStreamLimit = 128;

constexpr std::uint32_t kWindow = 256 << 10;
constexpr std::size_t kPumpSize = 128 << 10;

std::string_view view(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace

struct Http2Callbacks {
  static Http2Front& front(void* user) { return *static_cast<Http2Front*>(user); }

  static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    Http2Front& connection = front(user);
    const std::int32_t id = frame->hd.stream_id;
    connection.streams_[id] = std::make_unique<Http2Stream>(connection, id);
    return 0;
  }

  static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                    std::uint8_t, void* user) {
    Http2Stream* stream = front(user).find(frame->hd.stream_id);
    if (stream == nullptr) return 0;
    const std::string_view key = view(name, name_size), text = view(value, value_size);
    const bool taken =
        stream->started_ ? stream->add_trailer_field(key, text) : stream->add_field(key, text);
    return taken ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }

  static int frame_received(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Http2Stream* stream = front(user).find(frame->hd.stream_id);
    if (stream == nullptr) return 0;
    const bool end = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (frame->hd.type == NGHTTP2_HEADERS && !stream->started_) {
      stream->start(end);
    } else if (end && (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS)) {
      stream->end_data();
    }
    return 0;
  }

  static int data(nghttp2_session* session, std::uint8_t, std::int32_t id,
                  const std::uint8_t* bytes, std::size_t size, void* user) {
    // One whose target is slow must not hold up the others.
    nghttp2_session_consume_connection(session, size);
    if (Http2Stream* stream = front(user).find(id)) stream->take_data(view(bytes, size));
    return 0;
  }

  static int stream_closed(nghttp2_session*, std::int32_t id, std::uint32_t, void* user) {
    Http2Front& connection = front(user);
    if (Http2Stream* stream = connection.find(id)) {
      stream->client_gone();
      connection.streams_.erase(id);
    }
    return 0;
  }
};

Http2Front::Http2Front(Worker& worker, Client& client) : worker_(worker), client_(client) {
  static nghttp2_session_callbacks* const callbacks = [] {
    nghttp2_session_callbacks* made = nullptr;
    CHECK(nghttp2_session_callbacks_new(&made) == 0);
    nghttp2_session_callbacks_set_on_begin_headers_callback(made, Http2Callbacks::begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(made, Http2Callbacks::header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(made, Http2Callbacks::frame_received);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, Http2Callbacks::data);
    nghttp2_session_callbacks_set_on_stream_close_callback(made, Http2Callbacks::stream_closed);
    return made;
  }();
  static nghttp2_option* const options = [] {
    nghttp2_option* made = nullptr;
    CHECK(nghttp2_option_new(&made) == 0);
    // Windows open as targets take what came.
    nghttp2_option_set_no_auto_window_update(made, 1);
    nghttp2_option_set_no_closed_streams(made, 1);
    return made;
  }();
  CHECK(nghttp2_session_server_new2(&session_, callbacks, this, options) == 0);
  const nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kStreamLimit},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kWindow},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, http1::kRequestHeadLimit}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, 4 * kWindow);
  pump_later();
}

Http2Front::~Http2Front() {
  client_gone();
  worker_.forget(*this);
  nghttp2_session_del(session_);
}

Http2Stream* Http2Front::find(std::int32_t id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second.get();
}

void Http2Front::client_gone() {
  for (const auto& [id, stream] : streams_) stream->client_gone();
  streams_.clear();
}

void Http2Front::go_away() {
  if (std::exchange(going_away_, true)) return;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR,
                        nullptr, 0);
  pump_later();
}

void Http2Front::on_bytes(std::string_view bytes) {
  const ssize_t used = nghttp2_session_mem_recv(
      session_, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (client_.dead) return;
  if (used < 0) {
    // What it has to say about that goes out first.
    pump();
    if (!client_.dead) client_.shut();
    return;
  }
  pump_later();
}

void Http2Front::pump() {
  if (client_.dead) return;
  std::string out;
  while (!client_.blocked()) {
    const std::uint8_t* part = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &part);
    if (size < 0) return client_.shut();
    if (size > 0) out.append(reinterpret_cast<const char*>(part), static_cast<std::size_t>(size));
    if (size > 0 && out.size() < kPumpSize) continue;
    if (!out.empty() && !client_.send(out)) return client_.shut();
    out.clear();
    if (size == 0) break;
  }
  const bool over =
      nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
  if ((over || (going_away_ && streams_.empty())) && !client_.blocked()) client_.shut();
}

}  // namespace landfall::proxy
