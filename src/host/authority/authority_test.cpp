#include "host/authority/authority.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/record.h"
#include "http/client.h"
#include "io/files.h"
#include "store/testing.h"

namespace landfall::host {
namespace {

task<void> answer(http::Request, http::BodyReader&, http::ResponseWriter& out) {
  http::Response response;
  response.body = "fine";
  (void)co_await out.send(std::move(response));
}

task<void> talk(io::Loop& loop, http::Server& server, std::uint16_t port, std::string ca_file,
                std::string& told) {
  auto got = co_await http::request(loop, "GET", fmt::format("https://localhost:{}/", port), {}, "",
                                    {.timeout = std::chrono::seconds(5), .ca_file = ca_file});
  told = got ? got->body : got.error().message;
  co_await server.stop();
}

// A client that trusts ca.crt, and nothing else, accepts what the authority issued, also after a
// restart.
TEST(Authority, ClientsTrustItsCertificates) {
  store::TemporaryFolder folder;
  SystemClock clock;
  SystemRandom random;
  for (int start = 0; start < 2; ++start) {
    auto authority = Authority::open(folder.path(), clock, random);
    ASSERT_TRUE(authority) << authority.error().message;
    auto issued = (*authority)->issue({"localhost", "*.landfall.test", "127.0.0.1"});
    ASSERT_TRUE(issued) << issued.error().message;
    ASSERT_TRUE(io::write_file(folder.path() / "server.crt", issued->certificate));
    ASSERT_TRUE(io::write_file(folder.path() / "server.key", issued->key, 0600));
    io::Loop loop(1);
    http::Server server(loop, answer,
                        {.certificate_file = folder.path() / "server.crt",
                         .key_file = folder.path() / "server.key"});
    auto at = server.listen({"127.0.0.1", 0});
    ASSERT_TRUE(at) << at.error().message;
    std::string told;
    loop.run(talk(loop, server, at->port, folder.path() / "ca.crt", told));
    EXPECT_EQ(told, "fine");
  }
  struct stat info{};
  ASSERT_EQ(stat((folder.path() / "ca.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST(Authority, SaysUntilWhenItIsValid) {
  store::TemporaryFolder folder;
  FakeClock clock(from_unix_ms(1'795'255'898'000));
  SystemRandom random;
  auto authority = Authority::open(folder.path(), clock, random);
  ASSERT_TRUE(authority);
  const auto facts = (*authority)->describe();
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->valid_till - clock.now(), std::chrono::days(3650) - std::chrono::minutes(5));
  EXPECT_EQ(facts->sha1_thumbprint.size(), 40u);
}

TEST(Authority, RefusesBrokenFilesAndNames) {
  store::TemporaryFolder folder;
  SystemClock clock;
  SystemRandom random;
  {
    auto authority = Authority::open(folder.path(), clock, random);
    ASSERT_TRUE(authority);
    EXPECT_FALSE((*authority)->issue({"a,DNS:evil"}));
    EXPECT_FALSE((*authority)->issue({}));
  }
  ASSERT_TRUE(io::write_file(folder.path() / "ca.crt", "nonsense"));
  EXPECT_EQ(Authority::open(folder.path(), clock, random).error().code, "authority-unreadable");
}

}  // namespace
}  // namespace landfall::host
