#include "proxy/health/http2_check.h"

#include <nghttp2/nghttp2.h>

#include <charconv>
#include <cstring>

#include "base/check.h"
#include "proxy/http2/fields.h"

namespace landfall::proxy {
namespace {

constexpr std::size_t kReceiveLimit = 64 << 10;

int number(std::string_view text, int otherwise) {
  int value = otherwise;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  return parsed.ptr == text.data() + text.size() && value >= 0 ? value : otherwise;
}

// An uncompressed message of no bytes.
constexpr std::string_view kEmptyMessage("\0\0\0\0\0", 5);

}  // namespace

struct Http2CheckCallbacks {
  static Http2Check& of(void* user) { return *static_cast<Http2Check*>(user); }

  static int header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                    std::uint8_t, void* user) {
    const std::string_view key(reinterpret_cast<const char*>(name), name_size);
    const std::string_view text(reinterpret_cast<const char*>(value), value_size);
    if (key == ":status") of(user).status_ = number(text, 0);
    if (key == "grpc-status") of(user).grpc_status_ = number(text, -1);
    return 0;
  }

  static int frame_received(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Http2Check& check = of(user);
    // Without gRPC the head says all there is to know.
    if (frame->hd.type == NGHTTP2_HEADERS && !check.grpc_ && check.status_ >= 200)
      check.done_ = true;
    return 0;
  }

  static int stream_closed(nghttp2_session*, std::int32_t, std::uint32_t, void* user) {
    of(user).done_ = true;
    return 0;
  }

  static ssize_t body(nghttp2_session*, std::int32_t, std::uint8_t* out, std::size_t,
                      std::uint32_t* flags, nghttp2_data_source*, void*) {
    std::memcpy(out, kEmptyMessage.data(), kEmptyMessage.size());
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(kEmptyMessage.size());
  }
};

Http2Check::Http2Check(std::string_view path, std::string_view authority, bool secure, bool grpc)
    : grpc_(grpc) {
  static nghttp2_session_callbacks* const callbacks = [] {
    nghttp2_session_callbacks* made = nullptr;
    CHECK(nghttp2_session_callbacks_new(&made) == 0);
    nghttp2_session_callbacks_set_on_header_callback(made, Http2CheckCallbacks::header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(made, Http2CheckCallbacks::frame_received);
    nghttp2_session_callbacks_set_on_stream_close_callback(made,
                                                           Http2CheckCallbacks::stream_closed);
    return made;
  }();
  CHECK(nghttp2_session_client_new(&session_, callbacks, this) == 0);
  const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0}};
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, std::size(settings));
  FieldList fields;
  fields.add(":method", grpc ? "POST" : "GET");
  fields.add(":scheme", secure ? "https" : "http");
  fields.add(":authority", authority);
  fields.add(":path", path);
  fields.add("user-agent", "ELB-HealthChecker/2.0");
  if (grpc) {
    fields.add("content-type", "application/grpc");
    fields.add("te", "trailers");
  }
  const auto& list = fields.list();
  nghttp2_data_provider provider{{.ptr = nullptr}, Http2CheckCallbacks::body};
  nghttp2_submit_request(session_, nullptr, list.data(), list.size(), grpc ? &provider : nullptr,
                         nullptr);
}

Http2Check::~Http2Check() { nghttp2_session_del(session_); }

bool Http2Check::take(std::string_view bytes) {
  received_ += bytes.size();
  if (received_ > kReceiveLimit) return false;
  return nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                  bytes.size()) >= 0;
}

std::string Http2Check::output() {
  std::string out;
  const std::uint8_t* part = nullptr;
  while (true) {
    const ssize_t size = nghttp2_session_mem_send(session_, &part);
    if (size <= 0) return out;
    out.append(reinterpret_cast<const char*>(part), static_cast<std::size_t>(size));
  }
}

}  // namespace landfall::proxy
