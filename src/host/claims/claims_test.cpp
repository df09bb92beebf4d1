#include "host/claims/claims.h"

#include <gtest/gtest.h>

#include "store/testing.h"

namespace landfall::host {
namespace {

class Claims : public ::testing::Test {
 protected:
  Result<io::Fd> take(const std::string& tag, const std::string& pool,
                      const std::vector<std::string>& published = {}) {
    return claim({"/data/" + tag, tag}, *Cidr::parse(pool), published, places_);
  }
  store::TemporaryFolder folder_;
  ClaimPlaces places_{folder_.path() / "claims", folder_.path() / "netns"};
};

TEST_F(Claims, PoolsThatOverlapAreRefusedWhileTheirServerRuns) {
  auto one = take("aaaaaa", "198.18.0.0/17");
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_TRUE(take("bbbbbb", "198.18.128.0/17"));
  for (const char* pool : {"198.18.0.0/17", "198.18.0.0/16", "198.18.4.0/22"}) {
    const auto refused = take("cccccc", pool);
    ASSERT_FALSE(refused) << pool;
    EXPECT_EQ(refused.error().code, "pool-in-use");
    EXPECT_NE(refused.error().message.find("/data/aaaaaa"), std::string::npos);
  }
  EXPECT_EQ(claimed_pools(places_), std::vector{*Cidr::parse("198.18.0.0/17")});
  one->reset();
  EXPECT_TRUE(take("cccccc", "198.18.0.0/16"));
}

TEST_F(Claims, ANetworkWithoutItsServerKeepsItsPool) {
  {
    ASSERT_TRUE(take("aaaaaa", "198.18.0.0/17"));
  }
  std::filesystem::create_directories(places_.namespaces / "lf-aaaaaa-edge");
  EXPECT_EQ(take("bbbbbb", "198.18.0.0/17").error().code, "pool-in-use");
  EXPECT_TRUE(take("aaaaaa", "198.18.0.0/16")) << "its own server may start again, otherwise too";
  ASSERT_TRUE(release_claim({"/data/aaaaaa", "aaaaaa"}, places_));
  EXPECT_TRUE(take("bbbbbb", "198.18.0.0/17"));
}

TEST_F(Claims, PublishedPortsAreOnesOwn) {
  const auto one = take("aaaaaa", "198.18.0.0/24", {"127.0.0.1:443", "0.0.0.0:80"});
  ASSERT_TRUE(one);
  EXPECT_EQ(take("bbbbbb", "198.18.1.0/24", {"127.0.0.1:443"}).error().code, "address-in-use");
  EXPECT_EQ(take("bbbbbb", "198.18.1.0/24", {"0.0.0.0:443"}).error().code, "address-in-use");
  EXPECT_EQ(take("bbbbbb", "198.18.1.0/24", {"127.0.0.1:80"}).error().code, "address-in-use");
  EXPECT_TRUE(take("bbbbbb", "198.18.1.0/24", {"127.0.0.2:443", "0.0.0.0:8080"}));
}

TEST_F(Claims, AFileThatIsNoneIsForgotten) {
  ASSERT_TRUE(io::make_directories(places_.folder));
  ASSERT_TRUE(io::write_file(places_.folder / "dddddd", "{"));
  EXPECT_TRUE(take("aaaaaa", "198.18.0.0/17"));
  EXPECT_FALSE(std::filesystem::exists(places_.folder / "dddddd"));
}

}  // namespace
}  // namespace landfall::host
