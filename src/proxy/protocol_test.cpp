#include "proxy/protocol.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/build_version.h"

namespace landfall::proxy {
namespace {

struct Pair {
  Pair() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    left = io::Fd(ends[0]);
    right = io::Fd(ends[1]);
  }
  io::Fd left, right;
};

TEST(Protocol, FramesKeepTheirBorders) {
  Pair pair;
  ASSERT_TRUE(write_frame(pair.left.get(), "one"));
  ASSERT_TRUE(write_frame(pair.left.get(), ""));
  EXPECT_EQ(*read_frame(pair.right.get()), "one");
  EXPECT_EQ(*read_frame(pair.right.get()), "");
  pair.left.reset();
  EXPECT_EQ(read_frame(pair.right.get()).error().code, "closed");
}

TEST(Protocol, AFrameThatAnnouncesTooMuchIsRefused) {
  Pair pair;
  const unsigned char head[4] = {0xff, 0xff, 0xff, 0xff};
  ASSERT_EQ(::write(pair.left.get(), head, 4), 4);
  EXPECT_EQ(read_frame(pair.right.get()).error().code, "frame-too-large");
}

TEST(Protocol, MoreDescriptorsThanOneMessageTakes) {
  Pair pair;
  std::vector<int> sent;
  for (int i = 0; i < 300; ++i) sent.push_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(write_descriptors(pair.left.get(), sent));
  const auto received = read_descriptors(pair.right.get(), 300);
  ASSERT_TRUE(received);
  EXPECT_EQ(received->size(), 300u);
  for (const io::Fd& fd : *received) EXPECT_GE(::fcntl(fd.get(), F_GETFD), 0);
  for (const int fd : sent) ::close(fd);
}

TEST(Protocol, SnapshotsSurviveTheWire) {
  ControlRequest request{.operation = "apply", .snapshot = Snapshot{}};
  LoadBalancer balancer{.id = "lb", .nodes = {{"/run/netns/x", "10.0.0.1", "a"}}};
  Listener listener{.id = "l", .protocol = Protocol::https, .port = 443};
  Condition condition{.field = ConditionField::query_string, .pairs = {{"k", "v*"}}};
  listener.rules.push_back({.priority = 3, .conditions = {condition}});
  balancer.listeners.push_back(listener);
  request.snapshot->load_balancers.push_back(balancer);
  request.snapshot->target_groups.push_back({.id = "tg", .targets = {{"i-1", "10.0.0.9", 80}}});
  const std::string text = record::to_text(request);
  const auto read = record::from_text<ControlRequest>(text);
  ASSERT_TRUE(read);
  EXPECT_EQ(record::to_text(*read), text);
  EXPECT_EQ(read->snapshot->load_balancers[0].listeners[0].rules[0].conditions[0].pairs[0].value,
            "v*");
  EXPECT_EQ(read->snapshot->target_groups[0].targets[0].port, 80);
}

TEST(Protocol, NobodyListens) {
  EXPECT_EQ(connect_control("/nonexistent/control", Millis(100)).error().code, "not-running");
}

TEST(Version, IsTheBuildId) { EXPECT_EQ(build_version().size(), 16u); }

}  // namespace
}  // namespace landfall::proxy
