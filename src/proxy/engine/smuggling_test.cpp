// Requests that two servers could take for different ones. Whatever the balancer makes of them:
// what the target sees must be what the balancer saw, and nothing that hid in a body becomes a
// request. After portswigger.net/research/http-desync-attacks and the cases of
// http-desync-guardian.
#include <poll.h>
#include <sys/socket.h>

#include "proxy/engine/testing.h"
#include "proxy/http1/scan.h"

namespace landfall::proxy::testing {
namespace {

// As strict as servers come: counts requests by their own framing, and notes what it cannot read.
struct StrictTarget {
  StrictTarget()
      : target([this](Socket& socket) {
          while (true) {
            const Message request = read_message(socket);
            if (request.head.empty()) return;
            {
              const std::lock_guard lock(mutex);
              heads.push_back(request.head);
            }
            // Says to whom it answers.
            const std::string line = request.head.substr(0, request.head.find("\r\n"));
            if (!socket.try_send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}",
                                             line.size(), line)))
              return;
          }
        }) {}
  std::vector<std::string> take() {
    const std::lock_guard lock(mutex);
    return std::exchange(heads, {});
  }
  std::mutex mutex;
  std::vector<std::string> heads;
  TestTarget target;
};

const std::string kHidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";

// Each ends with kHidden inside what at least one reading takes for the body.
std::vector<std::string> corpus() {
  const std::string length = std::to_string(kHidden.size());
  const std::string post = "POST / HTTP/1.1\r\nHost: a\r\n";
  const std::string chunked_end = "0\r\n\r\n";
  std::vector<std::string> out = {
      // Content-Length against Transfer-Encoding, in both orders.
      post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked_end + kHidden,
      post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" + chunked_end + kHidden,
      post + "Content-Length: " + std::to_string(5 + kHidden.size()) +
          "\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked_end + kHidden,
      // Two lengths.
      post + "Content-Length: 0\r\nContent-Length: " + length + "\r\n\r\n" + kHidden,
      post + "Content-Length: " + length + "\r\nContent-Length: 0\r\n\r\n" + kHidden,
      post + "Content-Length: 0, " + length + "\r\n\r\n" + kHidden,
      // Lengths that are read in different ways.
      post + "Content-Length: +" + length + "\r\n\r\n" + kHidden,
      post + "Content-Length: 0x" + length + "\r\n\r\n" + kHidden,
      post + "Content-Length: " + length + "abc\r\n\r\n" + kHidden,
      post + "Content-Length: -1\r\n\r\n" + kHidden,
      post + "Content-Length: 18446744073709551617\r\n\r\n" + kHidden,
      post + "Content-Length : " + length + "\r\n\r\n" + kHidden,
      post + " Content-Length: " + length + "\r\n\r\n" + kHidden,
      post + "Content_Length: " + length + "\r\n\r\n" + kHidden,
      post + std::string("Content-Length: 0\0", 18) + length + "\r\n\r\n" + kHidden,
      // The length of a GET.
      "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: " + length + "\r\n\r\n" + kHidden,
      "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked_end + kHidden,
      // Continued lines, bare line ends, folded names.
      post + "X: y\r\n Content-Length: " + length + "\r\n\r\n" + kHidden,
      post + "X: y\nContent-Length: " + length + "\r\n\r\n" + kHidden,
      post + "X: y\rContent-Length: " + length + "\r\n\r\n" + kHidden,
      post + "Content-Length: 0\r\nX: y\n\nGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n",
      // HTTP/1.0 and 0.9.
      "POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n" +
          chunked_end + kHidden,
      "GET /\r\n\r\n" + kHidden,
      // Expect, Upgrade, Connection.
      post + "Expect: 100-continue\r\nContent-Length: 0\r\n\r\n" + kHidden,
      post + "Connection: Content-Length\r\nContent-Length: " + length + "\r\n\r\n" + kHidden,
      post + "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked_end +
          kHidden,
      post +
          "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
          "Content-Length: 0\r\n\r\n" +
          kHidden,
      // Request targets and methods that hold more than one line of thought.
      "GET /a b HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n" + kHidden,
      "GET /\tHTTP/1.1\r\nHost: a\r\n\r\n" + kHidden,
      "GET http://evil/ HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 0\r\n\r\n" + kHidden,
  };
  for (const char* coding :
       {"Transfer-Encoding : chunked", "Transfer-Encoding: xchunked", "Transfer-Encoding:\tchunked",
        " Transfer-Encoding: chunked", "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: identity, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
        "Transfer-Encoding: x\r\nTransfer-Encoding: chunked",
        "X: X\r\n\tTransfer-Encoding: chunked",
        "Transfer-Encoding: \x0b"
        "chunked",
        "Transfer-Encoding: \"chunked\"", "Transfer-Encoding\r\n: chunked",
        "transfer_encoding: chunked", "Transfer-Encoding: CHUNKED",
        "Transfer-Encoding: chunked;q=1", "Transfer-Encoding: cow",
        "Transfer-encoding: chunked\x00"}) {
    out.push_back(post + coding + "\r\nContent-Length: 5\r\n\r\n" + chunked_end + kHidden);
    out.push_back(post + coding + "\r\n\r\n" + chunked_end + kHidden);
  }
  // Inside of chunked bodies.
  for (const std::string& body :
       {"0x0\r\n\r\n" + kHidden, "00000000000000000\r\n\r\n" + kHidden, "-1\r\n\r\n" + kHidden,
        " 0\r\n\r\n" + kHidden, "0 \r\n\r\n" + kHidden, "0\n\n" + kHidden,
        "0;a=\n\r\n\r\n" + kHidden, "5\r\nabcdeXX0\r\n\r\n" + kHidden,
        "10000000000000000\r\n" + kHidden, "ffffffffffffffff\r\n" + kHidden,
        "1\r\nA\n0\r\n\r\n" + kHidden, "0\r\nX: y\r\nContent-Length: 9\r\n\r\n" + kHidden,
        "g\r\n" + kHidden, "\r\n0\r\n\r\n" + kHidden}) {
    out.push_back(post + "Transfer-Encoding: chunked\r\n\r\n" + body);
  }
  return out;
}

// What comes until the end, or until nothing more does. The client's side stays open: with its end
// the balancer would give up what it has not answered yet.
std::string answers_to(const std::string& request, Socket& client) {
  client.try_send(request);
  std::string out;
  pollfd wait{.fd = client.fd(), .events = POLLIN, .revents = 0};
  while (::poll(&wait, 1, 10) > 0) {
    char part[4096];
    const ssize_t got = ::recv(client.fd(), part, sizeof part, 0);
    if (got <= 0) break;
    out.append(part, static_cast<std::size_t>(got));
  }
  client.close();
  return out;
}

class Smuggling : public ::testing::TestWithParam<DesyncMode> {};

TEST_P(Smuggling, TargetsSeeWhatTheBalancerSaw) {
  StrictTarget target;
  TestBalancer balancer;
  balancer.add_target(target.target);
  balancer.balancer().desync_mode = GetParam();
  balancer.apply();
  for (const std::string& request : corpus()) {
    Socket client = balancer.client();
    const std::string answers = answers_to(request, client);
    std::size_t count = 0;
    for (std::size_t at = 0; (at = answers.find("HTTP/1.1 ", at)) != std::string::npos; ++at)
      count += answers.substr(at, 10) != "HTTP/1.1 1";
    // And the connections to the target are still in step.
    const Message after = balancer.ask("GET /after HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(after.status(), 200);
    EXPECT_EQ(after.body, "GET /after HTTP/1.1") << request;
    std::vector<std::string> seen = target.take();
    EXPECT_EQ(std::erase_if(seen,
                            [](const std::string& head) {
                              return head.starts_with("GET /after HTTP/1.1\r\n");
                            }),
              1u)
        << request;
    // One answer for each request that went on, and never more answers than were asked for openly.
    std::size_t good = 0;
    for (std::size_t at = 0; (at = answers.find("HTTP/1.1 200", at)) != std::string::npos; ++at)
      ++good;
    EXPECT_LE(count, 2u) << request << "\n---\n" << answers;
    EXPECT_LE(good, seen.size()) << request;
    for (const std::string& head : seen) {
      // The target must have one way only to read it.
      std::string lower;
      for (const char c : head) lower += http1::lower(c);
      const bool has_length = lower.find("\r\ncontent-length:") != std::string::npos;
      const bool chunked = lower.find("\r\ntransfer-encoding:") != std::string::npos;
      EXPECT_FALSE(has_length && chunked) << request << "\n---\n" << head;
      EXPECT_EQ(lower.find("\ncontent-length:", lower.find("\ncontent-length:") + 1),
                std::string::npos)
          << head;
      EXPECT_EQ(head.find(" \r\n"), std::string::npos) << head;
      // Bare line ends.
      for (std::size_t at = 0; (at = head.find('\n', at)) != std::string::npos; ++at)
        EXPECT_TRUE(at > 0 && head[at - 1] == '\r') << request;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, Smuggling,
                         ::testing::Values(DesyncMode::defensive, DesyncMode::strictest,
                                           DesyncMode::monitor),
                         [](const auto& info) {
                           return std::string(info.param == DesyncMode::defensive   ? "Defensive"
                                              : info.param == DesyncMode::strictest ? "Strictest"
                                                                                    : "Monitor");
                         });

}  // namespace
}  // namespace landfall::proxy::testing
