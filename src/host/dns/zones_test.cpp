#include "host/dns/zones.h"

#include <gtest/gtest.h>

namespace landfall::host::dns {
namespace {

std::string address(unsigned char last) { return std::string("\x0a\x00\x00", 3) + char(last); }

ZoneTable zones() {
  Zone open{.id = "Z1", .name = "example.com"};
  open.records["example.com"][kTypeA] = {{.data = {address(1)}}};
  open.records["www.example.com"][kTypeCname] = {{.data = {encode_name("example.com")}}};
  open.records["lb.example.com"][kTypeA] = {{.alias = "web.elb.landfall.test"}};
  open.records["*.app.example.com"][kTypeA] = {{.data = {address(7)}}};
  open.records["one.app.example.com"][16] = {{.data = {"\x02hi"}}};
  open.records["loop.example.com"][kTypeCname] = {{.data = {encode_name("loop.example.com")}}};
  open.records["w.example.com"][kTypeA] = {{.data = {address(1)}, .weighted = true, .weight = 0},
                                           {.data = {address(2)}, .weighted = true, .weight = 3},
                                           {.data = {address(3)}, .weighted = true, .weight = 1}};
  Zone hidden{.id = "Z2", .name = "example.com", .vpcs = {"vpc-1"}};
  hidden.records["example.com"][kTypeA] = {{.data = {address(99)}}};
  return {open, hidden};
}

NameTable names() {
  return {
      {"web.elb.landfall.test", {.vpc_id = "vpc-1", .inside = {Ipv4{1}}, .outside = {Ipv4{2}}}}};
}

std::optional<Resolution> ask(const std::string& name, std::uint16_t type = kTypeA,
                              const std::string& vpc = "vpc-2", std::uint16_t id = 0) {
  const View view{.vpc_id = vpc};
  return resolve_in_zones(zones(), names(), view,
                          {.id = id, .name = name, .type = type, .query_class = kClassIn});
}

TEST(Zones, NamesTypesAndWhatIsNotThere) {
  EXPECT_EQ(ask("example.com")->records.at(0).data, address(1));
  EXPECT_FALSE(ask("example.org"));
  EXPECT_FALSE(ask("myexample.com"));
  EXPECT_EQ(ask("nobody.example.com")->code, Code::no_such_name);
  const auto other_type = ask("example.com", 16);
  EXPECT_EQ(other_type->code, Code::ok);
  EXPECT_TRUE(other_type->records.empty());
  // Nothing of its own, but something below it: the name exists.
  EXPECT_EQ(ask("app.example.com")->code, Code::ok);
}

TEST(Zones, AliasesAndCanonicalNamesAreFollowed) {
  EXPECT_EQ(ask("lb.example.com")->records.at(0).address, Ipv4{2});
  const auto inside = ask("lb.example.com", kTypeA, "vpc-1");
  EXPECT_EQ(inside->code, Code::no_such_name) << "the private zone of the same name hides it";
  const auto chain = ask("www.example.com");
  ASSERT_EQ(chain->records.size(), 2u);
  EXPECT_EQ(chain->records[0].type, kTypeCname);
  EXPECT_EQ(chain->records[1].name, "example.com");
  EXPECT_EQ(ask("www.example.com", kTypeCname)->records.size(), 1u);
  EXPECT_EQ(ask("loop.example.com")->code, Code::server_failure);
}

TEST(Zones, Wildcards) {
  EXPECT_EQ(ask("x.app.example.com")->records.at(0).data, address(7));
  EXPECT_EQ(ask("x.y.app.example.com")->records.at(0).data, address(7));
  EXPECT_TRUE(ask("one.app.example.com")->records.empty()) << "a name of its own hides it";
}

TEST(Zones, PrivateZonesAreSeenInTheirVpcOnly) {
  EXPECT_EQ(ask("example.com", kTypeA, "vpc-1")->records.at(0).data, address(99));
  EXPECT_EQ(ask("example.com", kTypeA, "vpc-2")->records.at(0).data, address(1));
}

TEST(Zones, PrivateZonesNeedHostNames) {
  const View bare{.vpc_id = "vpc-1", .hostnames = false};
  const auto found = resolve_in_zones(
      zones(), names(), bare, {.name = "example.com", .type = kTypeA, .query_class = kClassIn});
  EXPECT_EQ(found->records.at(0).data, address(1)) << "the public zone of the same name";
}

TEST(Zones, WeightsAreKept) {
  std::map<std::string, int> seen;
  for (int id = 0; id < 4000; ++id)
    ++seen[ask("w.example.com", kTypeA, "vpc-2", std::uint16_t(id))->records.at(0).data];
  EXPECT_EQ(seen[address(1)], 0);
  EXPECT_NEAR(seen[address(2)], 3000, 300);
  EXPECT_NEAR(seen[address(3)], 1000, 300);
}

TEST(Zones, OutsideSeesThePublicOnes) {
  const auto seen = outside_addresses(zones(), names());
  EXPECT_EQ(seen.at("example.com").value, 0x0a000001u);
  EXPECT_EQ(seen.at("www.example.com").value, 0x0a000001u);
  EXPECT_EQ(seen.at("lb.example.com"), Ipv4{2});
  EXPECT_FALSE(seen.contains("*.app.example.com"));
}

}  // namespace
}  // namespace landfall::host::dns
