#include "proxy/http2/session.h"

#include <cstring>

#include "base/check.h"
#include "proxy/http2/fields.h"

namespace landfall::proxy {
namespace {

constexpr std::size_t kSendSize = 128 << 10;
// Until a target has said how many it takes (RFC 9113, 6.5.2, recommends no less).
constexpr std::uint32_t kStreamsAtFirst = 100;

const nghttp2_option* options() {
  static nghttp2_option* const made = [] {
    nghttp2_option* out = nullptr;
    CHECK(nghttp2_option_new(&out) == 0);
    nghttp2_option_set_no_auto_window_update(out, 1);
    nghttp2_option_set_no_closed_streams(out, 1);
    nghttp2_option_set_peer_max_concurrent_streams(out, kStreamsAtFirst);
    return out;
  }();
  return made;
}

}  // namespace

Http2Session::Http2Session(Role role, const nghttp2_session_callbacks* callbacks, void* user,
                           std::span<const nghttp2_settings_entry> settings,
                           std::uint32_t windows) {
  const auto make =
      role == Role::server ? nghttp2_session_server_new2 : nghttp2_session_client_new2;
  CHECK(make(&session_, callbacks, user, options()) == 0);
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0,
                                        static_cast<std::int32_t>(windows * kWindow));
}

Http2Session::~Http2Session() { nghttp2_session_del(session_); }

bool Http2Session::receive(std::string_view bytes) {
  return nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                  bytes.size()) >= 0;
}

Http2Session::Sent Http2Session::send(Stream& to) {
  std::string out;
  while (!to.blocked()) {
    const std::uint8_t* part = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &part);
    if (to.dead) return Sent::all;
    if (size < 0) return Sent::malformed;
    if (size > 0) out.append(as_text(part, static_cast<std::size_t>(size)));
    if (size > 0 && out.size() < kSendSize) continue;
    if (!out.empty() && !to.send(out)) return Sent::broken;
    out.clear();
    if (size == 0) break;
  }
  return Sent::all;
}

bool Http2Session::over() const {
  return nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
}

void Http2Session::go_away() {
  if (std::exchange(going_away_, true)) return;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR,
                        nullptr, 0);
}

void Http2Flow::append(Spans parts) {
  if (out_at_ > 0) {
    out_.erase(0, out_at_);
    out_at_ = 0;
  }
  for (const std::string_view part : parts) out_.append(part);
}

void Http2Flow::drop() {
  out_ = {};
  out_at_ = 0;
  ended_ = true;
}

ssize_t Http2Flow::read(nghttp2_session* session, std::int32_t id, std::uint8_t* out,
                        std::size_t size, std::uint32_t& flags) {
  const std::size_t count = std::min(size, waiting());
  std::memcpy(out, out_.data() + out_at_, count);
  out_at_ += count;
  if (out_at_ == out_.size()) {
    out_ = {};
    out_at_ = 0;
  }
  if (ended_ && out_.empty()) {
    flags |= NGHTTP2_DATA_FLAG_EOF;
    if (!trailers_.empty()) {
      flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      FieldList fields;
      fields.add_lines(trailers_);
      const auto& list = fields.list();
      nghttp2_submit_trailer(session, id, list.data(), list.size());
    }
    return static_cast<ssize_t>(count);
  }
  return count == 0 ? ssize_t{NGHTTP2_ERR_DEFERRED} : static_cast<ssize_t>(count);
}

void Http2Flow::came(nghttp2_session* session, std::int32_t id, std::size_t size, bool keep) {
  if (keep) {
    unconsumed_ += size;
  } else {
    nghttp2_session_consume_stream(session, id, size);
  }
}

bool Http2Flow::give_back(nghttp2_session* session, std::int32_t id) {
  if (unconsumed_ == 0) return false;
  nghttp2_session_consume_stream(session, id, std::exchange(unconsumed_, 0));
  return true;
}

}  // namespace landfall::proxy
