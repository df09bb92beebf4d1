#include <gtest/gtest.h>

#include "proxy/http1/head.h"

namespace landfall::proxy::http1 {
namespace {

RequestHead parse(std::string_view text, Parsed expected = Parsed::complete) {
  RequestHead head;
  EXPECT_EQ(parse_request(text, head), expected) << text;
  return head;
}

// A request with these lines behind "POST / HTTP/1.1" and a Host.
RequestHead post(const std::string& lines, Parsed expected = Parsed::complete) {
  // The views in the head outlive the call.
  static std::string text;
  text = "POST / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n";
  return parse(text, expected);
}

TEST(RequestHead, Simple) {
  const auto head =
      parse("GET /a/b?x=1&y HTTP/1.1\r\nHost: example.com\r\nAccept:  */* \r\n\r\nrest");
  EXPECT_EQ(head.method, "GET");
  EXPECT_EQ(head.path, "/a/b");
  EXPECT_EQ(head.query, "x=1&y");
  EXPECT_EQ(head.authority, "example.com");
  ASSERT_EQ(head.fields.size(), 2u);
  EXPECT_EQ(head.fields[1].value, "*/*");
  EXPECT_EQ(head.fields[1].line, "Accept:  */* \r\n");
  EXPECT_FALSE(head.close);
  EXPECT_EQ(head.severity, Severity::compliant);
  EXPECT_EQ(head.size, 61u);
}

TEST(RequestHead, EveryPrefixIsIncomplete) {
  const std::string text =
      "\r\nPOST http://h/x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nX-Y: z\r\n\r\n";
  for (std::size_t size = 0; size < text.size(); ++size) {
    RequestHead head;
    // Copied to the byte, so that reading beyond the end is seen by the sanitizers.
    const std::vector<char> bytes(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(parse_request({bytes.data(), bytes.size()}, head), Parsed::incomplete) << size;
  }
  EXPECT_EQ(parse(text).size, text.size());
}

TEST(RequestHead, AbsoluteTargetNamesTheHost) {
  const auto head = parse("GET http://u@b.example:81?q HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(head.absolute);
  EXPECT_EQ(head.authority, "b.example:81");
  EXPECT_EQ(head.path, "");
  EXPECT_EQ(head.query, "q");
}

TEST(RequestHead, OnlyTheFirstHostCounts) {
  const auto head = post("Host: b\r\n");
  EXPECT_EQ(head.authority, "a");
  EXPECT_TRUE(head.fields[1].dropped);
}

TEST(RequestHead, Persistence) {
  EXPECT_TRUE(parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").close);
  EXPECT_TRUE(parse("GET / HTTP/1.0\r\n\r\n").close);
  const auto old = parse("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
  EXPECT_FALSE(old.close);
  EXPECT_TRUE(old.keep_alive_10);
  EXPECT_TRUE(post("Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n").upgrade);
  EXPECT_FALSE(post("Upgrade: websocket\r\n").upgrade);
}

struct Case {
  std::string text;
  int status;
  Reason reason;
};

TEST(RequestHead, Refused) {
  const std::string host = "Host: a\r\n";
  const std::vector<Case> cases = {
      {"G\x01T / HTTP/1.1\r\n" + host + "\r\n", 400, Reason::bad_method},
      {" GET / HTTP/1.1\r\n" + host + "\r\n", 400, Reason::bad_method},
      {"GET / HTTP/1.1\n" + host + "\r\n", 400, Reason::bad_uri},
      {"GET /\r\n" + host + "\r\n", 400, Reason::bad_version},
      {"GET / HTTP/2.0\r\n" + host + "\r\n", 505, Reason::non_compliant_version},
      {"GET / HTTX/1.1\r\n" + host + "\r\n", 400, Reason::bad_version},
      {"GET relative HTTP/1.1\r\n" + host + "\r\n", 400, Reason::bad_uri},
      // What the target gets has no fragment, so the space would be its last byte.
      {"GET http://b/a #c HTTP/1.1\r\n" + host + "\r\n", 400, Reason::bad_uri},
      {"GET / HTTP/1.1\r\n\r\n", 400, Reason::bad_header},
      {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, Reason::bad_header},
      {"GET / HTTP/1.1\r\n" + host + "X: a\r\n b\r\n\r\n", 400, Reason::bad_header},
      {"GET / HTTP/1.1\r\n" + host + "X: a\rb\r\n\r\n", 400, Reason::bad_header},
      {"GET / HTTP/1.1\r\n" + host + "X: a\n\r\n", 400, Reason::bad_header},
      {"GET / HTTP/1.1\r\n" + host + "no colon\r\n\r\n", 400, Reason::bad_header},
      {"GET / HTTP/1.1\r\n" + host + std::string("X: a\0b\r\n\r\n", 10), 400, Reason::bad_header},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400,
       Reason::multiple_content_length},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: 1, 1\r\n\r\n", 400,
       Reason::bad_content_length},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: +1\r\n\r\n", 400,
       Reason::bad_content_length},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: 99999999999999999999\r\n\r\n", 400,
       Reason::bad_content_length},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length:\r\n\r\n", 400, Reason::bad_content_length},
      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\n", 501,
       Reason::bad_transfer_encoding},
      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501,
       Reason::bad_transfer_encoding},
      {"POST / HTTP/1.1\r\n" + host +
           "Transfer-Encoding: \x0b"
           "chunked\r\n\r\n",
       400, Reason::bad_transfer_encoding},
      {"POST / HTTP/1.1\r\n" + host +
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"
           "\r\n\r\n",
       400, Reason::multiple_transfer_encoding_chunked},
      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked, chunked\r\n\r\n", 400,
       Reason::multiple_transfer_encoding_chunked},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, Reason::bad_transfer_encoding},
      {"GET /" + std::string(17000, 'x'), 414, Reason::bad_uri},
      {"GET /" + std::string(17000, 'x') + " HTTP/1.1\r\n", 414, Reason::bad_uri},
      {"GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(17000, 'x'), 400, Reason::none},
  };
  for (const Case& each : cases) {
    const auto head = parse(each.text, Parsed::refused);
    EXPECT_EQ(head.status, each.status) << each.text.substr(0, 100);
    if (each.reason != Reason::none) {
      EXPECT_EQ(head.reason, each.reason) << reason_text(head.reason) << each.text.substr(0, 100);
    }
  }
}

TEST(RequestHead, AmbiguousOnesGoOnWithoutWhatIsAmbiguous) {
  const auto both = post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n");
  EXPECT_EQ(both.reason, Reason::both_te_cl_present);
  EXPECT_EQ(both.severity, Severity::ambiguous);
  EXPECT_TRUE(both.framing.chunked);
  EXPECT_FALSE(both.framing.has_length);
  EXPECT_TRUE(both.fields[1].dropped);

  const auto twice = post("Content-Length: 5\r\nContent-Length: 5\r\n");
  EXPECT_EQ(twice.reason, Reason::duplicate_content_length);
  EXPECT_FALSE(twice.fields[1].dropped);
  EXPECT_TRUE(twice.fields[2].dropped);

  for (const char* name : {"Transfer_Encoding: chunked", "Content Length: 3",
                           "transfer-encoding : chunked", "Content-Length\t: 9"}) {
    const auto head = post(std::string(name) + "\r\n");
    EXPECT_EQ(head.reason, Reason::suspicious_header) << name;
    EXPECT_TRUE(head.fields[1].dropped) << name;
    EXPECT_FALSE(head.framing.chunked || head.framing.has_length) << name;
  }
  EXPECT_EQ(post(": x\r\n").reason, Reason::empty_header);
  EXPECT_EQ(post("  \r\n").reason, Reason::empty_header);
  EXPECT_EQ(parse("GET /a\x02 HTTP/1.1\r\nHost: a\r\n\r\n").reason, Reason::ambiguous_uri);
  EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n").reason,
            Reason::undefined_content_length_semantics);
  EXPECT_EQ(parse("HEAD / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n").reason,
            Reason::undefined_transfer_encoding_semantics);
}

TEST(RequestHead, AcceptableOnes) {
  const auto space = parse("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(space.reason, Reason::space_in_uri);
  EXPECT_EQ(space.path, "/a b");
  EXPECT_EQ(space.severity, Severity::acceptable);
  EXPECT_EQ(parse("GET http://b/a b HTTP/1.1\r\nHost: a\r\n\r\n").path, "/a b");
  EXPECT_EQ(post("X-A: caf\xc3\xa9\r\n").reason, Reason::non_compliant_header);
  EXPECT_EQ(post("X-A: a\x01"
                 "b\r\n")
                .reason,
            Reason::non_compliant_header);
  EXPECT_EQ(parse("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").reason,
            Reason::get_head_zero_content_length);
}

TEST(RequestHead, NamesWithOddCharactersAreMarked) {
  const auto head = post("X_Under: 1\r\nX-Plain: 2\r\n");
  EXPECT_FALSE(head.fields[1].plain_name);
  EXPECT_TRUE(head.fields[2].plain_name);
}

TEST(RequestHead, HeadsOfMoreThan64KiBAreRefused) {
  std::string lines;
  while (lines.size() < 70000) lines += "X-" + std::string(1000, 'a') + ": b\r\n";
  EXPECT_EQ(post(lines, Parsed::refused).status, 400);
}

TEST(ResponseHead, Simple) {
  ResponseHead head;
  ASSERT_EQ(parse_response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello", head),
            Parsed::complete);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.framing.length, 5u);
  EXPECT_FALSE(head.edits);
  EXPECT_FALSE(head.close);
  ASSERT_EQ(parse_response("HTTP/1.0 404\r\nConnection: keep-alive\r\n\r\n", head),
            Parsed::complete);
  EXPECT_EQ(head.status, 404);
  EXPECT_FALSE(head.close);
  EXPECT_TRUE(head.edits);
}

TEST(ResponseHead, Refused) {
  for (const std::string& text : std::vector<std::string>{
           std::string("HTP/1.1 200 OK\r\n\r\n"), std::string("HTTP/1.1 2x0 OK\r\n\r\n"),
           std::string("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
           std::string("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
           std::string("HTTP/1.1 200 OK\nX: y\r\n\r\n"), std::string("HTTP/2.0 200 OK\r\n\r\n"),
           std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"),
           "HTTP/1.1 200 OK\r\nX: " + std::string(40000, 'y')}) {
    ResponseHead head;
    EXPECT_EQ(parse_response(text, head), Parsed::refused) << text.substr(0, 60);
  }
}

}  // namespace
}  // namespace landfall::proxy::http1
