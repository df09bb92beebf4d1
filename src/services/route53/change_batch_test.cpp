#include "services/route53/change_batch.h"

#include <gtest/gtest.h>

#include "services/route53/rdata.h"

namespace landfall::route53 {
namespace {

ZoneRecord zone() {
  ZoneRecord out;
  out.id = "Z1";
  out.name = "example.com.";
  return out;
}

Change change(std::string action, std::string name, std::string type,
              std::vector<std::string> values) {
  Change out;
  out.action = std::move(action);
  out.resource_record_set.name = std::move(name);
  out.resource_record_set.type = std::move(type);
  out.resource_record_set.ttl = 60;
  for (std::string& value : values)
    out.resource_record_set.resource_records.emplace_back().value = std::move(value);
  return out;
}

std::string problem(const Result<RecordSets>& result) {
  return result ? "" : result.error().message;
}

TEST(ChangeBatch, CreatesChangesAndDeletes) {
  auto records =
      apply_changes(zone(), {}, {change("CREATE", "WWW.example.com", "A", {"10.0.0.1"})});
  ASSERT_TRUE(records) << records.error().message;
  ASSERT_EQ(records->size(), 1u);
  EXPECT_EQ(records->begin()->second.set.name, "www.example.com.");
  EXPECT_NE(problem(apply_changes(zone(), *records,
                                  {change("CREATE", "www.example.com.", "A", {"10.0.0.2"})})),
            "");
  records =
      apply_changes(zone(), *records, {change("UPSERT", "www.example.com", "A", {"10.0.0.2"})});
  ASSERT_TRUE(records);
  EXPECT_NE(problem(apply_changes(zone(), *records,
                                  {change("DELETE", "www.example.com", "A", {"10.0.0.1"})})),
            "");
  records =
      apply_changes(zone(), *records, {change("DELETE", "www.example.com", "A", {"10.0.0.2"})});
  ASSERT_TRUE(records);
  EXPECT_TRUE(records->empty());
}

TEST(ChangeBatch, AllOrNothingAndAllProblemsAtOnce) {
  const auto done = apply_changes(zone(), {},
                                  {change("CREATE", "a.example.com", "A", {"10.0.0.1"}),
                                   change("CREATE", "b.example.com", "A", {"nonsense"}),
                                   change("DELETE", "c.example.com", "A", {"10.0.0.1"})});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, "InvalidChangeBatch");
  EXPECT_NE(done.error().message.find("nonsense"), std::string::npos);
  EXPECT_NE(done.error().message.find("c.example.com."), std::string::npos);
}

TEST(ChangeBatch, WhatAZoneCannotHold) {
  const auto with = [](std::vector<Change> changes) {
    wire::List<Change> list;
    for (Change& item : changes) list.push_back(std::move(item));
    return problem(apply_changes(zone(), {}, list));
  };
  EXPECT_NE(with({change("CREATE", "example.org", "A", {"10.0.0.1"})}), "");
  EXPECT_NE(with({change("CREATE", "example.com", "CNAME", {"x.test"})}), "");
  EXPECT_NE(with({change("CREATE", "a.example.com", "CNAME", {"x.test"}),
                  change("CREATE", "a.example.com", "A", {"10.0.0.1"})}),
            "");
  EXPECT_NE(with({change("CREATE", "a.example.com", "A", {})}), "");
  EXPECT_NE(with({change("CREATE", "a.example.com", "DS", {"1"})}), "");
  Change weighted = change("CREATE", "a.example.com", "A", {"10.0.0.1"});
  weighted.resource_record_set.weight = 1;
  EXPECT_NE(with({weighted}), "") << "no set identifier";
  weighted.resource_record_set.set_identifier = "one";
  EXPECT_EQ(with({weighted}), "");
  EXPECT_NE(with({weighted, change("CREATE", "a.example.com", "A", {"10.0.0.2"})}), "")
      << "two policies";
}

TEST(Names, AreBroughtIntoOneForm) {
  EXPECT_EQ(*normalize_name("WWW.Example.com"), "www.example.com.");
  EXPECT_EQ(*normalize_name("\\052.example.com."), "*.example.com.");
  EXPECT_EQ(*normalize_name("_acme.example.com"), "_acme.example.com.");
  for (const char* bad : {"", ".", "a..b", "a b.test", "x.*.test"})
    EXPECT_FALSE(normalize_name(bad));
  EXPECT_FALSE(normalize_name(std::string(64, 'a') + ".test"));
  EXPECT_EQ(reversed("www.example.com."), "com.example.www");
  EXPECT_EQ(bare_id("/hostedzone/Z1"), "Z1");
}

TEST(Values, GoOverTheWireAsTheyShould) {
  EXPECT_EQ(*encode_value("A", "10.0.0.1"), std::string("\x0a\0\0\x01", 4));
  EXPECT_EQ(*encode_value("MX", "10 mail.test"), std::string("\0\x0a\4mail\4test\0", 13));
  EXPECT_EQ(*encode_value("TXT", R"("a" "b\"c")"), std::string("\1a\3b\"c"));
  EXPECT_EQ(encode_value("AAAA", "::1")->size(), 16u);
  EXPECT_EQ(*encode_value("SRV", "1 2 80 a.test"), std::string("\0\1\0\2\0\x50\1a\4test\0", 14));
  for (const auto& [type, value] : {std::pair("A", "::1"),
                                    {"A", "10.0.0"},
                                    {"MX", "mail.test"},
                                    {"MX", "70000 mail.test"},
                                    {"TXT", "unquoted"},
                                    {"TXT", "\"open"},
                                    {"CNAME", "a..b"},
                                    {"CAA", "0 issue"}}) {
    EXPECT_FALSE(encode_value(type, value)) << type << ' ' << value;
  }
}

}  // namespace
}  // namespace landfall::route53
