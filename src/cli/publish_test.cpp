#include "cli/publish.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/files.h"

namespace landfall::cli {
namespace {

TEST(Publish, Forms) {
  const auto found = parse_published("0.0.0.0:443=web,[::1]:8443=us-west-1/web:443");
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ((*found)[0].at.str(), "0.0.0.0:443");
  EXPECT_EQ((*found)[0].balancer, "web");
  EXPECT_EQ((*found)[0].listener_port, 443);
  EXPECT_EQ((*found)[0].region, "");
  EXPECT_EQ((*found)[1].at.address, "::1");
  EXPECT_EQ((*found)[1].region, "us-west-1");
  EXPECT_EQ((*found)[1].listener_port, 443);
  EXPECT_TRUE(parse_published("")->empty());
}

TEST(Publish, MistakesAreNamed) {
  for (const char* bad : {"443=web", "0.0.0.0:443", "0.0.0.0:443=", "0.0.0.0:0=web", "host:443=web",
                          "0.0.0.0:443=web:0", "0.0.0.0:443=web:x", "0.0.0.0:443=/web",
                          "0.0.0.0:443=a/b/c", "0.0.0.0:443=web,0.0.0.0:443=other"}) {
    const auto found = parse_published(bad);
    ASSERT_FALSE(found) << bad;
    EXPECT_EQ(found.error().code, "usage") << bad;
  }
}

TEST(Publish, APortOfSomebodyElse) {
  const io::Fd holder(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(holder.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(holder.get(), 1), 0);
  ASSERT_EQ(::getsockname(holder.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const io::Endpoint taken{"127.0.0.1", ntohs(address.sin_port)};
  const auto refused = check_publishable(taken, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "address-in-use");
  EXPECT_NE(refused.error().message.find(taken.str()), std::string::npos);
  EXPECT_TRUE(check_publishable(taken, ::getpid())) << "the proxy of an earlier start may have it";
  EXPECT_TRUE(check_publishable({"127.0.0.2", taken.port}, {}));
  EXPECT_EQ(check_publishable({"192.0.2.77", 8080}, {}).error().code, "address-not-available");
}

}  // namespace
}  // namespace landfall::cli
