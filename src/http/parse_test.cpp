#include "http/parse.h"

#include <gtest/gtest.h>

namespace landfall::http {
namespace {

std::expected<RequestHead, Malformed> parse(std::string_view lines) {
  return parse_request_head(std::string(lines) + "\r\n\r\n");
}

TEST(ParseRequest, ReadsALine) {
  const auto head =
      parse("PUT /a%20b/c?x=1&y=%2F HTTP/1.1\r\nHost: h:1\r\nContent-Length: 12\r\nX-A:  v w \t");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->request.method, "PUT");
  EXPECT_EQ(head->request.path, "/a%20b/c");
  EXPECT_EQ(head->request.query, "x=1&y=%2F");
  EXPECT_EQ(head->request.headers.get("x-a"), "v w");
  EXPECT_EQ(head->framing.kind, Framing::Kind::length);
  EXPECT_EQ(head->framing.length, 12u);
  EXPECT_TRUE(head->keep_alive);
}

TEST(ParseRequest, AbsoluteTargetsNameTheHost) {
  const auto head = parse("GET http://example.test:80/p?q HTTP/1.1\r\nHost: other");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->request.path, "/p");
  EXPECT_EQ(head->request.query, "q");
  EXPECT_EQ(head->request.headers.get("Host"), "example.test:80");
  const auto bare = parse("GET http://example.test?q HTTP/1.1\r\nHost: other");
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->request.path, "/");
  EXPECT_EQ(bare->request.query, "q");
}

TEST(ParseRequest, KeepAliveByVersionAndHeader) {
  EXPECT_FALSE(parse("GET / HTTP/1.0")->keep_alive);
  EXPECT_TRUE(parse("GET / HTTP/1.0\r\nConnection: Keep-Alive")->keep_alive);
  EXPECT_FALSE(parse("GET / HTTP/1.1\r\nHost: h\r\nConnection: x, close")->keep_alive);
}

struct Refused {
  const char* lines;
  int status;
};
class ParseRequestRefuses : public testing::TestWithParam<Refused> {};
TEST_P(ParseRequestRefuses, It) {
  const auto head = parse(GetParam().lines);
  ASSERT_FALSE(head) << GetParam().lines;
  EXPECT_EQ(head.error().status, GetParam().status) << head.error().reason;
}
INSTANTIATE_TEST_SUITE_P(
    Lines, ParseRequestRefuses,
    testing::Values(
        Refused{"GET / HTTP/1.1", 400}, Refused{"GET / HTTP/1.1\r\nHost: a\r\nHost: b", 400},
        Refused{"GET /", 400}, Refused{"GET  HTTP/1.1\r\nHost: h", 400},
        Refused{"G(T / HTTP/1.1\r\nHost: h", 400}, Refused{"GET /a b HTTP/1.1\r\nHost: h", 400},
        Refused{"GET a HTTP/1.1\r\nHost: h", 400}, Refused{"GET * HTTP/1.1\r\nHost: h", 400},
        Refused{"GET / HTTP/2.0\r\nHost: h", 505}, Refused{"PRI * HTTP/2.0", 505},
        Refused{"GET / HTTPS/1.1\r\nHost: h", 400}, Refused{"CONNECT a:1 HTTP/1.1\r\nHost: h", 400},
        Refused{"GET / HTTP/1.1\r\nHost : h", 400},
        Refused{"GET / HTTP/1.1\r\nHost: h\r\n folded", 400},
        Refused{"GET / HTTP/1.1\r\nHost: h\nX: y", 400},
        Refused{"GET / HTTP/1.1\r\nHost: h\r\nX: a\rb", 400},
        Refused{"GET / HTTP/1.1\r\nHost: h\r\nX: a\x01", 400},
        Refused{"GET / HTTP/1.1\r\nHost: h\r\nNoColon", 400},
        Refused{"GET / HTTP/1.1\r\nHost: h\r\n: v", 400},
        Refused{"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1x", 400},
        Refused{"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: -1", 400},
        Refused{"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: +1", 400},
        Refused{"GET / HTTP/1.1\r\nHost: h\r\nContent-Length:", 400},
        Refused{"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999", 400},
        Refused{"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1", 400},
        Refused{"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked",
                400},
        Refused{"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked", 501},
        Refused{"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked", 501},
        Refused{
            "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            400},
        Refused{"GET / HTTP/1.0\r\nTransfer-Encoding: chunked", 400},
        Refused{"GET / HTTP/1.1\r\nHost: h\r\nExpect: a-miracle", 417}));

TEST(ParseRequest, TooManyHeaders) {
  std::string lines = "GET / HTTP/1.1\r\nHost: h";
  for (int i = 0; i < 300; ++i) lines += "\r\nA: b";
  const auto head = parse(lines);
  ASSERT_FALSE(head);
  EXPECT_EQ(head.error().status, 431);
}

TEST(FindHeadEnd, SeesAnEndThatStraddles) {
  const std::string bytes = "GET / HTTP/1.1\r\n\r\nbody";
  EXPECT_EQ(find_head_end(bytes), 18u);
  for (std::size_t from = 0; from <= 17; ++from) EXPECT_EQ(find_head_end(bytes, from), 18u) << from;
  EXPECT_EQ(find_head_end("GET / HTTP/1.1\r\n\r"), std::string::npos);
}

std::optional<std::string> decode(std::string_view text, std::size_t step,
                                  std::size_t* left = nullptr) {
  ChunkedDecoder decoder;
  std::string out;
  while (!text.empty() && !decoder.done()) {
    std::size_t used = 0;
    if (!decoder.decode(text.substr(0, step), out, used)) return {};
    text.remove_prefix(used);
  }
  if (left != nullptr) *left = text.size();
  if (!decoder.done()) return "unfinished";
  return out;
}

TEST(Chunked, AnySplitGivesTheSame) {
  const std::string text =
      "5;ext=\"v\"\r\nhello\r\n00A\r\n, wide wor\r\n2\r\nld\r\n0\r\nTrailer: x\r\n\r\nNEXT";
  for (std::size_t step = 1; step <= text.size(); ++step) {
    std::size_t left = 0;
    EXPECT_EQ(decode(text, step, &left), "hello, wide world") << step;
    EXPECT_EQ(left, 4u);
  }
}

TEST(Chunked, RefusesWhatIsMalformed) {
  for (const char* text : {"\r\n", "x\r\n", "5 \r\nhello\r\n0\r\n\r\n", "5\nhello\r\n0\r\n\r\n",
                           "5\r\nhelloX\r\n0\r\n\r\n", "5\r\nhello\n0\r\n\r\n", "-1\r\n",
                           "1111111111111111\r\n", "0\r\n\n", "0\r\nA: b\n\r\n"}) {
    EXPECT_EQ(decode(text, 1), std::nullopt) << text;
  }
  EXPECT_EQ(decode("1;" + std::string(64 << 10, 'e') + "\r\n", 4096), std::nullopt);
  EXPECT_EQ(decode("0\r\n" + std::string(64 << 10, 't') + "\r\n", 4096), std::nullopt);
}

TEST(ParseResponse, FramingFollowsMethodAndStatus) {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
  EXPECT_EQ(parse_response_head(head, "GET")->framing.length, 5u);
  EXPECT_EQ(parse_response_head(head, "HEAD")->framing.kind, Framing::Kind::none);
  EXPECT_EQ(parse_response_head("HTTP/1.1 204 No Content\r\n\r\n", "GET")->framing.kind,
            Framing::Kind::none);
  EXPECT_EQ(parse_response_head("HTTP/1.0 200 OK\r\n\r\n", "GET")->framing.kind,
            Framing::Kind::until_close);
  EXPECT_FALSE(parse_response_head("HTTP/1.1 2x0 OK\r\n\r\n", "GET"));
  EXPECT_FALSE(parse_response_head("SSH-2.0-OpenSSH\r\n\r\n", "GET"));
}

TEST(Headers, IgnoreCaseAndKeepOrder) {
  Headers headers;
  headers.add("A", "1");
  headers.add("b", "2");
  headers.add("a", "3");
  EXPECT_EQ(headers.get("B"), "2");
  EXPECT_EQ(headers.all("a"), (std::vector<std::string_view>{"1", "3"}));
  headers.set("A", "4");
  EXPECT_EQ(headers.all("a"), (std::vector<std::string_view>{"4"}));
  EXPECT_FALSE(headers.has("c"));
}

TEST(ParseForm, DecodesPairs) {
  EXPECT_EQ(*parse_form("a=1&b=x+y%26z&&flag&=v"),
            (Parameters{{"a", "1"}, {"b", "x y&z"}, {"flag", ""}, {"", "v"}}));
  EXPECT_FALSE(parse_form("a=%zz"));
}

}  // namespace
}  // namespace landfall::http
