#include "base/ipv4.h"

#include <gtest/gtest.h>

namespace landfall {
namespace {

TEST(Ipv4, ParsesDottedQuadsOnly) {
  EXPECT_EQ(Ipv4::parse("10.0.1.7")->value, 0x0a000107u);
  EXPECT_EQ(Ipv4::parse("255.255.255.255")->str(), "255.255.255.255");
  for (const char* bad : {"", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ",
                          " 1.2.3.4", "1.2.3.-4", "1.2.3.", "1..2.3", "a.b.c.d", "1.2.3.0004"}) {
    EXPECT_FALSE(Ipv4::parse(bad)) << bad;
  }
}

TEST(Cidr, CanonicalForm) {
  EXPECT_EQ(Cidr::parse("10.0.1.7/16")->str(), "10.0.0.0/16");
  EXPECT_EQ(Cidr::parse("1.2.3.4/0")->str(), "0.0.0.0/0");
  EXPECT_EQ(Cidr::parse("1.2.3.4/32")->last().str(), "1.2.3.4");
  for (const char* bad : {"10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/016",
                          "/8", "10.0.0/8", "10.0.0.0/8x", "::/0"}) {
    EXPECT_FALSE(Cidr::parse(bad)) << bad;
  }
}

TEST(Cidr, ContainsAndOverlaps) {
  const Cidr vpc = *Cidr::parse("172.31.0.0/16");
  const Cidr subnet = *Cidr::parse("172.31.16.0/20");
  EXPECT_TRUE(vpc.contains(subnet));
  EXPECT_FALSE(subnet.contains(vpc));
  EXPECT_TRUE(subnet.overlaps(vpc));
  EXPECT_FALSE(subnet.overlaps(*Cidr::parse("172.31.32.0/20")));
  EXPECT_TRUE(vpc.contains(*Ipv4::parse("172.31.255.255")));
  EXPECT_FALSE(vpc.contains(*Ipv4::parse("172.32.0.0")));
  EXPECT_EQ(Cidr::parse("0.0.0.0/0")->size(), std::uint64_t{1} << 32);
  EXPECT_TRUE(Cidr::parse("0.0.0.0/0")->contains(*Ipv4::parse("255.255.255.255")));
}

}  // namespace
}  // namespace landfall
