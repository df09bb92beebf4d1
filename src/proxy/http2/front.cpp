#include "proxy/http2/front.h"

#include "base/check.h"
#include "proxy/engine/client.h"

namespace landfall::proxy {
namespace {

// docs: application-load-balancers: 128 streams.
constexpr std::uint32_t kStreamLimit = 128;
constexpr nghttp2_settings_entry kSettings[] = {
    {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kStreamLimit},
    {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, Http2Session::kWindow},
    {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, http1::kRequestHeadLimit}};

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
    const std::string_view key = as_text(name, name_size), text = as_text(value, value_size);
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
    if (Http2Stream* stream = front(user).find(id)) stream->take_data(as_text(bytes, size));
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

namespace {

const nghttp2_session_callbacks* callbacks() {
  static nghttp2_session_callbacks* const made = [] {
    nghttp2_session_callbacks* out = nullptr;
    CHECK(nghttp2_session_callbacks_new(&out) == 0);
    nghttp2_session_callbacks_set_on_begin_headers_callback(out, Http2Callbacks::begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(out, Http2Callbacks::header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(out, Http2Callbacks::frame_received);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(out, Http2Callbacks::data);
    nghttp2_session_callbacks_set_on_stream_close_callback(out, Http2Callbacks::stream_closed);
    return out;
  }();
  return made;
}

}  // namespace

Http2Front::Http2Front(Worker& worker, Client& client)
    : worker_(worker),
      client_(client),
      session_(Http2Session::Role::server, callbacks(), this, kSettings, 4) {
  pump_later();
}

Http2Front::~Http2Front() {
  client_gone();
  worker_.forget(*this);
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
  session_.go_away();
  pump_later();
}

void Http2Front::on_bytes(std::string_view bytes) {
  const bool understood = session_.receive(bytes);
  if (client_.dead) return;
  if (understood) return pump_later();
  // What there is to say about that goes out first.
  pump();
  if (!client_.dead) client_.shut();
}

void Http2Front::pump() {
  if (client_.dead) return;
  if (session_.send(client_) != Http2Session::Sent::all) return client_.shut();
  if (client_.dead || client_.blocked()) return;
  if (session_.over() || (session_.going_away() && streams_.empty())) client_.shut();
}

}  // namespace landfall::proxy
