// HTTP/2 in front, by nghttp2's own client.
#include <nghttp2/nghttp2.h>

#include "proxy/engine/testing_tls.h"

namespace landfall::proxy::testing {
namespace {

struct Answer {
  std::map<std::string, std::string> fields;
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
          static_cast<Http2Client*>(user)
              ->answers[frame->hd.stream_id]
              .fields[std::string(reinterpret_cast<const char*>(name), name_size)] =
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

  std::int32_t ask(const std::string& method, const std::string& path, std::string body = {},
                   const std::vector<std::pair<std::string, std::string>>& more = {}) {
    std::vector<std::pair<std::string, std::string>> fields = {
        {":method", method}, {":path", path}, {":scheme", "https"}, {":authority", "h2.test"}};
    fields.insert(fields.end(), more.begin(), more.end());
    std::vector<nghttp2_nv> list;
    for (auto& [name, value] : fields) {
      list.push_back({reinterpret_cast<std::uint8_t*>(name.data()),
                      reinterpret_cast<std::uint8_t*>(value.data()), name.size(), value.size(),
                      NGHTTP2_NV_FLAG_NONE});
    }
    bodies_.push_back({std::move(body), 0});
    nghttp2_data_provider provider{
        {.ptr = &bodies_.back()},
        [](nghttp2_session*, std::int32_t, std::uint8_t* out, std::size_t size,
           std::uint32_t* flags, nghttp2_data_source* source, void*) {
          auto& [text, at] = *static_cast<std::pair<std::string, std::size_t>*>(source->ptr);
          const std::size_t count = std::min(size, text.size() - at);
          std::memcpy(out, text.data() + at, count);
          at += count;
          if (at == text.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
          return static_cast<ssize_t>(count);
        }};
    return nghttp2_submit_request(session_, nullptr, list.data(), list.size(),
                                  bodies_.back().first.empty() ? nullptr : &provider, nullptr);
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
  std::deque<std::pair<std::string, std::size_t>> bodies_;
};

struct Secure : TestBalancer {
  Secure() {
    listener().protocol = Protocol::https;
    listener().tls.certificates = {make_certificate("default", "DNS:default.test")};
  }
};

// Answers with what it was sent, as the body.
void mirror(Socket& socket) {
  while (true) {
    const Message request = read_message(socket);
    if (!request.head.ends_with("\r\n\r\n")) return;
    const std::string body = request.head + request.body;
    if (!socket.try_send(
            fmt::format("HTTP/1.1 200 OK\r\nX-Mixed: Case\r\nConnection: keep-alive\r\n"
                        "Content-Length: {}\r\n\r\n{}",
                        body.size(), body))) {
      return;
    }
  }
}

TEST(Http2, RequestsBecomeHttp1AndBack) {
  TestTarget target(mirror);
  Secure balancer;
  balancer.add_target(target);
  balancer.apply();
  Http2Client client(balancer);
  const Answer& answer = client.wait(
      client.ask("GET", "/a?b=c", "", {{"cookie", "x=1"}, {"cookie", "y=2"}, {"te", "trailers"}}));
  EXPECT_EQ(answer.fields.at(":status"), "200");
  EXPECT_EQ(answer.fields.at("x-mixed"), "Case");
  EXPECT_FALSE(answer.fields.contains("connection"));
  const Message seen{answer.body, ""};
  EXPECT_TRUE(answer.body.starts_with("GET /a?b=c HTTP/1.1\r\n")) << answer.body;
  EXPECT_EQ(seen.field("Host"), "h2.test:" + std::to_string(balancer.listener().port));
  EXPECT_EQ(seen.field("Cookie"), "x=1; y=2");
  EXPECT_EQ(seen.field("X-Forwarded-Proto"), "https");
  EXPECT_EQ(seen.field("Transfer-Encoding"), "");
}

TEST(Http2, ManyStreamsAndLargeBodies) {
  TestTarget target(mirror);
  Secure balancer;
  balancer.add_target(target);
  balancer.apply();
  Http2Client client(balancer);
  std::vector<std::int32_t> ids;
  for (int i = 0; i < 60; ++i) ids.push_back(client.ask("GET", fmt::format("/{}", i)));
  for (int i = 0; i < 60; ++i) {
    EXPECT_TRUE(
        client.wait(ids[static_cast<std::size_t>(i)]).body.starts_with(fmt::format("GET /{} ", i)));
  }
  const std::string large(3'000'000, 'z');
  EXPECT_TRUE(client.wait(client.ask("POST", "/", large)).body.ends_with("\r\n\r\n" + large));
  EXPECT_TRUE(client.wait(client.ask("PUT", "/", large, {{"content-length", "3000000"}}))
                  .body.ends_with("\r\n\r\n" + large));
}

TEST(Http2, OwnAnswersAndBrokenOnes) {
  TestTarget target([](Socket& socket) {
    while (true) {
      const Message request = read_message(socket);
      if (request.head.empty()) return;
      if (request.head.starts_with("GET /breaks")) {
        socket.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbreaks off");
        return;
      }
      socket.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    }
  });
  Secure balancer;
  balancer.apply();
  Http2Client client(balancer);
  const Answer& none = client.wait(client.ask("GET", "/"));
  EXPECT_EQ(none.fields.at(":status"), "503");
  EXPECT_EQ(none.body.size(), 162u);
  balancer.add_target(target);
  balancer.apply();
  EXPECT_EQ(client.wait(client.ask("GET", "/")).body, "abc");
  EXPECT_EQ(client.wait(client.ask("GET", "/breaks")).error, NGHTTP2_INTERNAL_ERROR);
  const Answer& head = client.wait(client.ask("HEAD", "/nothing"));
  EXPECT_EQ(head.fields.at(":status"), "200");
  EXPECT_EQ(head.body, "");
}

TEST(Http2, AStreamThatIsCancelledHurtsNoOther) {
  std::atomic<int> asked = 0, gone = 0;
  TestTarget target([&](Socket& socket) {
    while (true) {
      const Message request = read_message(socket);
      if (request.head.empty()) return;
      if (request.head.starts_with("GET /hang")) {
        ++asked;
        if (socket.ended()) ++gone;  // and has not merely waited in vain
        return;
      }
      socket.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
  });
  Secure balancer;
  balancer.add_target(target);
  balancer.apply();
  Http2Client client(balancer);
  const std::int32_t hang = client.ask("GET", "/hang");
  client.flush();
  // Cancelled any earlier it may never reach the target.
  while (asked == 0) std::this_thread::yield();
  client.reset(hang);
  EXPECT_EQ(client.wait(client.ask("GET", "/")).body, "ok");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (gone == 0 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_EQ(gone, 1);
}

TEST(Http2, OnlyWhereTheBalancerAllowsIt) {
  Secure balancer;
  balancer.balancer().http2 = false;
  balancer.apply();
  TlsClient client(balancer.client(), "default.test", TLS1_3_VERSION, nullptr, nullptr, true);
  ASSERT_TRUE(client.connected);
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(client.read_head().starts_with("HTTP/1.1 503 "));
}

}  // namespace
}  // namespace landfall::proxy::testing
