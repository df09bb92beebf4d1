// For tests: a client and a target that speak HTTP/2, both by nghttp2.
#pragma once

#include <nghttp2/nghttp2.h>
#include <sys/socket.h>

#include "proxy/engine/testing_tls.h"

namespace landfall::proxy::testing {

using Fields = std::vector<std::pair<std::string, std::string>>;

inline std::vector<nghttp2_nv> to_list(const Fields& fields) {
  std::vector<nghttp2_nv> list;
  for (const auto& [name, value] : fields) {
    list.push_back({reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                    reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(),
                    value.size(), NGHTTP2_NV_FLAG_NONE});
  }
  return list;
}

// What is left of a message's body, and the trailers behind it.
struct Body {
  std::string text;
  std::size_t at = 0;
  Fields trailers;
  bool fails = false;  // the stream is reset behind the text

  ssize_t read(nghttp2_session* session, std::int32_t id, std::uint8_t* out, std::size_t size,
               std::uint32_t* flags) {
    const std::size_t count = std::min(size, text.size() - at);
    std::memcpy(out, text.data() + at, count);
    at += count;
    if (at < text.size() || (fails && count > 0)) return static_cast<ssize_t>(count);
    if (fails) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (!trailers.empty()) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      const auto list = to_list(trailers);
      nghttp2_submit_trailer(session, id, list.data(), list.size());
    }
    return static_cast<ssize_t>(count);
  }
};

struct Answer {
  std::map<std::string, std::string> fields;
  std::map<std::string, std::string> trailers;
  bool begun = false;
  std::string body;
  bool closed = false;
  std::uint32_t error = 0;
};

class Http2Client {
 public:
  explicit Http2Client(TestBalancer& balancer)
      : tls_(balancer.client(), "default.test", TLS1_3_VERSION, nullptr, nullptr, true) {
    EXPECT_TRUE(tls_.connected);
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                      std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                      std::uint8_t, void* user) {
          Answer& answer = static_cast<Http2Client*>(user)->answers[frame->hd.stream_id];
          auto& fields = frame->headers.cat == NGHTTP2_HCAT_HEADERS && answer.begun
                             ? answer.trailers
                             : answer.fields;
          fields[std::string(reinterpret_cast<const char*>(name), name_size)] =
              std::string(reinterpret_cast<const char*>(value), value_size);
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        callbacks, [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes,
                      std::size_t size, void* user) {
          static_cast<Http2Client*>(user)->answers[id].body.append(
              reinterpret_cast<const char*>(bytes), size);
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
          Answer& answer = static_cast<Http2Client*>(user)->answers[frame->hd.stream_id];
          if (frame->hd.type == NGHTTP2_HEADERS && answer.fields[":status"] >= "200")
            answer.begun = true;
          return 0;
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        callbacks, [](nghttp2_session*, std::int32_t id, std::uint32_t error, void* user) {
          Answer& answer = static_cast<Http2Client*>(user)->answers[id];
          answer.closed = true;
          answer.error = error;
          return 0;
        });
    nghttp2_session_client_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, nullptr, 0);
  }
  ~Http2Client() { nghttp2_session_del(session_); }
  Http2Client(const Http2Client&) = delete;

  // `trailers`: follow the body.
  std::int32_t ask(const std::string& method, const std::string& path, std::string body = {},
                   const Fields& more = {}, const Fields& trailers = {}) {
    Fields fields = {
        {":method", method}, {":path", path}, {":scheme", "https"}, {":authority", "h2.test"}};
    fields.insert(fields.end(), more.begin(), more.end());
    const std::vector<nghttp2_nv> list = to_list(fields);
    bodies_.push_back({std::move(body), 0, trailers, false});
    nghttp2_data_provider provider{
        {.ptr = &bodies_.back()},
        [](nghttp2_session* session, std::int32_t id, std::uint8_t* out, std::size_t size,
           std::uint32_t* flags, nghttp2_data_source* source,
           void*) { return static_cast<Body*>(source->ptr)->read(session, id, out, size, flags); }};
    return nghttp2_submit_request(session_, nullptr, list.data(), list.size(),
                                  bodies_.back().text.empty() ? nullptr : &provider, nullptr);
  }
  void reset(std::int32_t id) {
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
  }
  void flush() {
    const std::uint8_t* bytes = nullptr;
    while (true) {
      const ssize_t size = nghttp2_session_mem_send(session_, &bytes);
      if (size <= 0) break;
      tls_.send({reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)});
    }
  }
  Answer& wait(std::int32_t id) {
    flush();
    while (!answers[id].closed) {
      const std::string bytes = tls_.read_some();
      if (bytes.empty()) break;
      nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()),
                               bytes.size());
      flush();
    }
    EXPECT_TRUE(answers[id].closed);
    return answers[id];
  }
  std::map<std::int32_t, Answer> answers;

 private:
  TlsClient tls_;
  nghttp2_session* session_ = nullptr;
  std::deque<Body> bodies_;
};

struct Secure : TestBalancer {
  Secure() {
    listener().protocol = Protocol::https;
    listener().tls.certificates = {make_certificate("default", "DNS:default.test")};
  }
};

// A target that speaks HTTP/2 without TLS. Requests are answered when they are complete.
class Http2Target {
 public:
  struct Request {
    std::map<std::string, std::string> fields;
    std::map<std::string, std::string> trailers;
    std::string body;
  };
  struct Reply {
    Fields fields;  // with ":status"; empty: none is given
    std::string body = {};
    Fields trailers = {};
    bool reset = false;      // the stream is reset, behind the body if there is one
    bool go_away = false;    // refuses this request and all that follow
    bool break_off = false;  // ends the connection
  };
  using Answer = std::function<Reply(const Request&)>;

  explicit Http2Target(Answer answer)
      : answer_(std::move(answer)), target_([this](Socket& socket) { serve(socket); }) {}
  std::uint16_t port() const { return target_.port(); }
  int accepted() const { return target_.accepted(); }
  std::atomic<int> requests{0};

 private:
  struct Stream {
    Request request;
    bool head = false;
    Body body;
  };
  struct Connection {
    Http2Target* target;
    std::map<std::int32_t, Stream> streams;
    bool over = false;
  };

  void serve(Socket& socket) {
    Connection connection{this, {}, false};
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                      std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                      std::uint8_t, void* user) {
          Stream& stream = static_cast<Connection*>(user)->streams[frame->hd.stream_id];
          (stream.head ? stream.request.trailers : stream.request.fields)[std::string(
              reinterpret_cast<const char*>(name), name_size)] =
              std::string(reinterpret_cast<const char*>(value), value_size);
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        callbacks, [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes,
                      std::size_t size, void* user) {
          static_cast<Connection*>(user)->streams[id].request.body.append(
              reinterpret_cast<const char*>(bytes), size);
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        callbacks, [](nghttp2_session* session, const nghttp2_frame* frame, void* user) {
          auto& connection = *static_cast<Connection*>(user);
          if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) return 0;
          Stream& stream = connection.streams[frame->hd.stream_id];
          stream.head = true;
          if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0)
            connection.target->reply(session, connection, frame->hd.stream_id, stream);
          return 0;
        });
    nghttp2_session* session = nullptr;
    nghttp2_session_server_new(&session, callbacks, &connection);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, nullptr, 0);
    char buffer[16384];
    while (!connection.over) {
      const std::uint8_t* part = nullptr;
      ssize_t size;
      while ((size = nghttp2_session_mem_send(session, &part)) > 0)
        socket.try_send({reinterpret_cast<const char*>(part), static_cast<std::size_t>(size)});
      size = ::recv(socket.fd(), buffer, sizeof buffer, 0);
      if (size <= 0 ||
          nghttp2_session_mem_recv(session, reinterpret_cast<const std::uint8_t*>(buffer),
                                   static_cast<std::size_t>(size)) < 0) {
        break;
      }
    }
    nghttp2_session_del(session);
  }

  void reply(nghttp2_session* session, Connection& connection, std::int32_t id, Stream& stream) {
    ++requests;
    Reply reply = answer_(stream.request);
    if (reply.go_away) {
      nghttp2_submit_goaway(session, NGHTTP2_FLAG_NONE, id - 2 < 0 ? 0 : id - 2, NGHTTP2_NO_ERROR,
                            nullptr, 0);
      return;
    }
    connection.over = reply.break_off;
    if (!reply.fields.empty()) {
      stream.body = {std::move(reply.body), 0, std::move(reply.trailers), reply.reset};
      const auto list = to_list(reply.fields);
      nghttp2_data_provider provider{
          {.ptr = &stream.body},
          [](nghttp2_session* of, std::int32_t stream_id, std::uint8_t* out, std::size_t size,
             std::uint32_t* flags, nghttp2_data_source* source, void*) {
            return static_cast<Body*>(source->ptr)->read(of, stream_id, out, size, flags);
          }};
      const bool empty = stream.body.text.empty() && stream.body.trailers.empty();
      nghttp2_submit_response(session, id, list.data(), list.size(), empty ? nullptr : &provider);
    } else if (reply.reset) {
      nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, NGHTTP2_INTERNAL_ERROR);
    }
  }

  Answer answer_;
  TestTarget target_;
};

}  // namespace landfall::proxy::testing
