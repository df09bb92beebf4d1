#include "http/server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "http/client.h"
#include "io/net.h"

namespace landfall::http {
namespace {

using namespace std::chrono_literals;

// A server on loopback with a handler, and raw bytes towards it.
class ServerTest : public testing::Test {
 public:
  void serve(Handler handler, std::function<task<void>(ServerTest&)> client) {
    io::Loop loop(2);
    loop_ = &loop;
    Server server(loop, std::move(handler), options_);
    server_ = &server;
    loop.run(drive(server, std::move(client)));
  }
  task<void> drive(Server& server, std::function<task<void>(ServerTest&)> client) {
    auto at = server.listen({"127.0.0.1", 0});
    CHECK(at.has_value());
    at_ = *at;
    co_await client(*this);
    co_await server.stop(50ms);
  }
  std::string url(std::string path) const { return "http://" + at_.str() + std::move(path); }

  // Sends bytes and reads until the server closes (or 2 s have passed: the error "timeout").
  task<std::string> talk(std::string bytes) {
    auto answer = co_await io::with_timeout(*loop_, 2s, talk_now(std::move(bytes)));
    co_return answer ? *answer : "<" + answer.error().code + ">";
  }
  task<Result<std::string>> talk_now(std::string bytes) {
    auto stream = co_await io::connect(*loop_, at_, 1s);
    CHECK(stream.has_value());
    (void)co_await stream->write_all(bytes);
    std::string all;
    char buffer[4096];
    while (true) {
      const auto count = co_await stream->read_some(buffer);
      if (!count || *count == 0) co_return all;
      all.append(buffer, *count);
    }
  }

  ServerOptions options_;
  io::Loop* loop_ = nullptr;
  Server* server_ = nullptr;
  io::Endpoint at_;
};

task<void> echo(Request request, BodyReader& body, ResponseWriter& out) {
  auto text = co_await body.read_all(1 << 20);
  Response response;
  if (!text) {
    response.status = text.error().http_status;
    response.body = text.error().code;
  } else {
    response.headers.add("X-Path", request.path);
    response.body = request.method + " " + *text;
  }
  (void)co_await out.send(std::move(response));
}

task<void> echo_streaming(Request, BodyReader& body, ResponseWriter& out) {
  if (!co_await out.start({})) co_return;
  while (true) {
    auto piece = co_await body.read();
    if (!piece) co_return;
    if (piece->empty()) break;
    if (!co_await out.write(*piece)) co_return;
  }
  (void)co_await out.finish();
}

task<void> ignore_body(Request, BodyReader&, ResponseWriter& out) {
  (void)co_await out.send({.status = 403, .headers = {}, .body = "no"});
}

std::size_t count_of(std::string_view text, std::string_view what) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1))
    ++count;
  return count;
}

TEST_F(ServerTest, AnswersARequest) {
  serve(echo, [](ServerTest& t) -> task<void> {
    auto got = co_await request(*t.loop_, "POST", t.url("/a/b?c"), {}, "hello", {});
    EXPECT_TRUE(got.has_value());
    if (!got) co_return;
    EXPECT_EQ(got->status, 200);
    EXPECT_EQ(got->body, "POST hello");
    EXPECT_EQ(got->headers.get("X-Path"), "/a/b");
    EXPECT_TRUE(got->headers.has("Date"));
  });
}

TEST_F(ServerTest, PipelinedRequestsAreAnsweredInOrder) {
  serve(echo, [](ServerTest& t) -> task<void> {
    const std::string got = co_await t.talk(
        "POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\noneGET /2 HTTP/1.1\r\nHost: "
        "h\r\n\r\n\r\n"
        "POST /3 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: "
        "close\r\n\r\n3\r\nthr\r\n2\r\nee\r\n0\r\n\r\n");
    EXPECT_EQ(count_of(got, "HTTP/1.1 200"), 3u);
    EXPECT_LT(got.find("POST one"), got.find("GET "));
    EXPECT_TRUE(got.ends_with("POST three")) << got;
  });
}

TEST_F(ServerTest, StreamsLargeBodiesBothWays) {
  serve(echo_streaming, [](ServerTest& t) -> task<void> {
    std::string large(5'000'000, 'x');
    for (std::size_t i = 0; i < large.size(); i += 997) large[i] = static_cast<char>('a' + i % 26);
    auto got = co_await request(*t.loop_, "PUT", t.url("/"), {}, large, {});
    EXPECT_TRUE(got.has_value() && got->body == large);
    EXPECT_TRUE(got.has_value() && got->headers.get("Transfer-Encoding") == "chunked");
  });
}

TEST_F(ServerTest, ContinueIsSentAtTheFirstRead) {
  serve(echo, [](ServerTest& t) -> task<void> {
    auto stream = co_await io::connect(*t.loop_, t.at_, 1s);
    (void)co_await stream->write_all(
        "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: "
        "close\r\n\r\n");
    char buffer[512];
    auto count = co_await stream->read_some(buffer);
    EXPECT_EQ(std::string_view(buffer, *count), "HTTP/1.1 100 Continue\r\n\r\n");
    (void)co_await stream->write_all("ok");
    count = co_await stream->read_some(buffer);
    EXPECT_TRUE(std::string_view(buffer, *count).ends_with("PUT ok"));
  });
}

TEST_F(ServerTest, RefusalBeforeTheBodyNeverAsksForIt) {
  serve(ignore_body, [](ServerTest& t) -> task<void> {
    const std::string got = co_await t.talk(
        "PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 9999999\r\n\r\n");
    EXPECT_TRUE(got.starts_with("HTTP/1.1 403 "));
    EXPECT_NE(got.find("Connection: close\r\n"), std::string::npos);
  });
}

TEST_F(ServerTest, SmallUnreadBodiesKeepTheConnection) {
  serve(ignore_body, [](ServerTest& t) -> task<void> {
    const std::string got = co_await t.talk(
        "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbodyPUT / HTTP/1.1\r\nHost: "
        "h\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(count_of(got, "HTTP/1.1 403"), 2u) << got;
  });
}

TEST_F(ServerTest, LargeUnreadBodiesStillSeeTheAnswer) {
  serve(ignore_body, [](ServerTest& t) -> task<void> {
    auto got = co_await request(*t.loop_, "PUT", t.url("/"), {}, std::string(8 << 20, 'x'), {});
    EXPECT_TRUE(got.has_value()) << (got ? "" : got.error().message);
    EXPECT_TRUE(got && got->status == 403 && got->headers.get("Connection") == "close");
  });
}

TEST_F(ServerTest, HeadAnnouncesAndLeavesOutTheBody) {
  serve(
      [](Request request, BodyReader&, ResponseWriter& out) -> task<void> {
        Response response;
        response.body = "hello";
        if (request.path == "/large") {
          response.headers.add("Content-Length", "123456");
          response.body.clear();
        }
        (void)co_await out.send(std::move(response));
      },
      [](ServerTest& t) -> task<void> {
        const std::string got = co_await t.talk(
            "HEAD / HTTP/1.1\r\nHost: h\r\n\r\nHEAD /large HTTP/1.1\r\nHost: h\r\nConnection: "
            "close\r\n\r\n");
        EXPECT_NE(got.find("Content-Length: 5\r\n"), std::string::npos);
        EXPECT_NE(got.find("Content-Length: 123456\r\n"), std::string::npos);
        EXPECT_EQ(got.find("hello"), std::string::npos);
        EXPECT_TRUE(got.ends_with("\r\n\r\n"));
      });
}

TEST_F(ServerTest, NoContentHasNoLength) {
  serve([](Request, BodyReader&,
           ResponseWriter& out) -> task<void> { (void)co_await out.send({.status = 204}); },
        [](ServerTest& t) -> task<void> {
          const std::string got =
              co_await t.talk("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
          EXPECT_TRUE(got.starts_with("HTTP/1.1 204 "));
          EXPECT_EQ(got.find("Content-Length"), std::string::npos);
        });
}

TEST_F(ServerTest, HandlersCannotSplitHeaders) {
  serve(
      [](Request, BodyReader&, ResponseWriter& out) -> task<void> {
        Response response;
        response.headers.add("X-Echo", "a\r\nSet-Cookie: evil");
        (void)co_await out.send(std::move(response));
      },
      [](ServerTest& t) -> task<void> {
        const std::string got =
            co_await t.talk("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        EXPECT_NE(got.find("X-Echo: a  Set-Cookie: evil\r\n"), std::string::npos) << got;
      });
}

TEST_F(ServerTest, HandlersThatThrowOrStaySilentGive500) {
  serve(
      [](Request request, BodyReader&, ResponseWriter&) -> task<void> {
        if (request.path == "/throw") throw std::runtime_error("test");
        co_return;
      },
      [](ServerTest& t) -> task<void> {
        const std::string got = co_await t.talk(
            "GET /throw HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\nConnection: "
            "close\r\n\r\n");
        EXPECT_EQ(count_of(got, "HTTP/1.1 500 "), 2u);
      });
}

TEST_F(ServerTest, AnUnfinishedStreamIsCut) {
  serve(
      [](Request request, BodyReader&, ResponseWriter& out) -> task<void> {
        Response head;
        if (request.path == "/length") head.headers.add("Content-Length", "100");
        (void)co_await out.start(std::move(head));
        (void)co_await out.write("part");
        if (request.path == "/length") EXPECT_FALSE(co_await out.finish());
      },
      [](ServerTest& t) -> task<void> {
        auto got = co_await request(*t.loop_, "GET", t.url("/"), {}, "", {});
        EXPECT_EQ(got ? "" : got.error().code, "connection-lost");
        got = co_await request(*t.loop_, "GET", t.url("/length"), {}, "", {});
        EXPECT_EQ(got ? "" : got.error().code, "connection-lost");
      });
}

TEST_F(ServerTest, MalformedRequestsAreRefusedAndClosed) {
  serve(echo, [](ServerTest& t) -> task<void> {
    for (const char* bytes :
         {"nonsense\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
          "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nGET "
          "/x HTTP/1.1\r\nHost: h\r\n\r\n"}) {
      const std::string got = co_await t.talk(bytes);
      EXPECT_TRUE(got.starts_with("HTTP/1.1 400 ")) << got;
      EXPECT_EQ(count_of(got, "HTTP/1.1"), 1u);
    }
    const std::string got = co_await t.talk(
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nGET /x "
        "HTTP/1.1\r\n");
    EXPECT_NE(got.find("malformed-body"), std::string::npos);
    EXPECT_EQ(count_of(got, "HTTP/1.1"), 1u);
  });
}

TEST_F(ServerTest, LimitsHeadAndBody) {
  options_.header_limit = 4096;
  serve(echo, [](ServerTest& t) -> task<void> {
    std::string got =
        co_await t.talk("GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(100'000, 'x'));
    EXPECT_TRUE(got.starts_with("HTTP/1.1 431 ")) << got;
    got = co_await t.talk("GET /" + std::string(5000, 'x') + " HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(got.starts_with("HTTP/1.1 431 ")) << got;
    got = co_await t.talk("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 104857600\r\n\r\n");
    EXPECT_TRUE(got.starts_with("HTTP/1.1 413 ")) << got;
  });
}

TEST_F(ServerTest, SlowPeersAreCutOff) {
  options_.header_timeout = 40ms;
  options_.idle_timeout = 40ms;
  options_.body_timeout = 40ms;
  std::string body_error;
  serve(
      [&](Request, BodyReader& body, ResponseWriter& out) -> task<void> {
        auto got = co_await body.read_all(100);
        if (!got) body_error = got.error().code;
        (void)co_await out.send({});
      },
      [](ServerTest& t) -> task<void> {
        EXPECT_EQ(co_await t.talk(""), "");                      // says nothing
        EXPECT_EQ(co_await t.talk("GET / HTTP/1.1\r\nHo"), "");  // half a head
        EXPECT_EQ(co_await t.talk("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc"),
                  "");  // half a body
        EXPECT_EQ(count_of(co_await t.talk("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), "200 OK"),
                  1u);  // then idle
      });
  EXPECT_EQ(body_error, "timeout");
}

TEST_F(ServerTest, DrippingHeadsEndAtTheDeadline) {
  options_.header_timeout = 60ms;
  serve(echo, [](ServerTest& t) -> task<void> {
    auto stream = co_await io::connect(*t.loop_, t.at_, 1s);
    (void)co_await stream->write_all("GET / HTTP/1.1\r\n");
    bool cut = false;
    for (int i = 0; i < 200 && !cut; ++i) {
      co_await t.loop_->sleep_for(5ms);
      cut = !co_await stream->write_all("X");
    }
    EXPECT_TRUE(cut);
  });
}

TEST_F(ServerTest, AtTheConnectionLimitIdleOnesMakeRoom) {
  options_.connection_limit = 4;
  serve(echo, [](ServerTest& t) -> task<void> {
    std::vector<io::TcpStream> idle;
    for (int i = 0; i < 20; ++i) {
      auto stream = co_await io::connect(*t.loop_, t.at_, 1s);
      idle.push_back(std::move(*stream));
      co_await t.loop_->sleep_for(1ms);
    }
    auto got = co_await request(*t.loop_, "GET", t.url("/"), {}, "", {});
    EXPECT_TRUE(got && got->status == 200);
    char byte;
    const auto count = co_await idle.front().read_some({&byte, 1});
    EXPECT_TRUE(!count || *count == 0);
  });
}

TEST_F(ServerTest, StopLetsRequestsFinish) {
  io::Event* entered = nullptr;
  serve(
      [&](Request, BodyReader&, ResponseWriter& out) -> task<void> {
        entered->notify_all();
        co_await loop_->sleep_for(10ms);
        (void)co_await out.send({.body = "done"});
      },
      [&](ServerTest& t) -> task<void> {
        io::Event event(*t.loop_);
        entered = &event;
        io::TaskScope scope(*t.loop_);
        Result<Response> got = fail("none", "");
        auto call = [](ServerTest& test, Result<Response>& out) -> task<void> {
          out = co_await request(*test.loop_, "GET", test.url("/"), {}, "", {});
        };
        scope.spawn("call", call(t, got));
        co_await event.wait();
        co_await t.server_->stop(2s);
        co_await scope.join();
        EXPECT_TRUE(got && got->body == "done");
        EXPECT_FALSE(co_await io::connect(*t.loop_, t.at_, 1s));
      });
}

TEST_F(ServerTest, UnlistenClosesItsConnections) {
  serve(echo, [](ServerTest& t) -> task<void> {
    auto second = t.server_->listen({"127.0.0.1", 0});
    EXPECT_TRUE(second.has_value());
    auto stream = co_await io::connect(*t.loop_, *second, 1s);
    co_await t.loop_->sleep_for(2ms);
    t.server_->unlisten(*second);
    char byte;
    const auto count = co_await stream->read_some({&byte, 1});
    EXPECT_TRUE(!count || *count == 0);
    EXPECT_FALSE(co_await io::connect(*t.loop_, *second, 1s));
    EXPECT_TRUE(co_await request(*t.loop_, "GET", t.url("/"), {}, "", {}));
  });
}

TEST_F(ServerTest, AddressInUseSaysSo) {
  serve(echo, [](ServerTest& t) -> task<void> {
    auto again = t.server_->listen(t.at_);
    EXPECT_EQ(again ? "" : again.error().code, "address-in-use");
    co_return;
  });
}

TEST_F(ServerTest, ManyClientsAtOnce) {
  serve(echo, [](ServerTest& t) -> task<void> {
    io::TaskScope scope(*t.loop_);
    int good = 0;
    auto call = [](ServerTest& test, int number, int& out) -> task<void> {
      auto got =
          co_await request(*test.loop_, "POST", test.url("/"), {}, std::to_string(number), {});
      out += got && got->body == "POST " + std::to_string(number);
    };
    for (int i = 0; i < 200; ++i) scope.spawn("call", call(t, i, good));
    co_await scope.join();
    EXPECT_EQ(good, 200);
  });
}

TEST_F(ServerTest, ClientErrorsAreNamed) {
  serve(echo, [](ServerTest& t) -> task<void> {
    for (const char* bad : {"", "ftp://h/", "http://", "nonsense", "http://h:0/"}) {
      auto got = co_await request(*t.loop_, "GET", bad, {}, "", {});
      EXPECT_EQ(got ? "" : got.error().code, "invalid-url") << bad;
    }
    t.server_->unlisten(t.at_);
    auto got = co_await request(*t.loop_, "GET", t.url("/"), {}, "", {});
    EXPECT_EQ(got ? "" : got.error().code, "errno-ECONNREFUSED");
  });
}

}  // namespace
}  // namespace landfall::http
