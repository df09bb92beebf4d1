#include "services/cloudwatch/search.h"

#include <gtest/gtest.h>

namespace landfall::cloudwatch {
namespace {

const MetricKey kWeb{.space = "AWS/ECS",
                     .name = "CPUUtilization",
                     .dimensions = {{"ClusterName", "main"}, {"ServiceName", "web-front_1"}}};

std::string verdict(std::string_view text) {
  auto search = MetricSearch::parse(text);
  if (!search) return search.error().message;
  return search->matches(kWeb) ? "yes" : "no";
}

TEST(MetricSearch, FindsByTerms) {
  for (const std::string_view text : {"{AWS/ECS,ClusterName,ServiceName}",
                                      "{ AWS/ECS , ServiceName,ClusterName } CPUUtilization",
                                      "{\"AWS/ECS\",ClusterName,\"ServiceName\"} main",
                                      "cpu",
                                      "utilization",
                                      "cpuutilization",
                                      "CPUUtilization",
                                      "web",
                                      "WEB front",
                                      "web-front",
                                      "ecs",
                                      "servicename",
                                      "MetricName=\"CPUUtilization\"",
                                      "MetricName=cpu",
                                      "ServiceName=web",
                                      "Namespace=\"AWS/ECS\"",
                                      "ServiceName=\"web-front_1\" AND cpu",
                                      "memory OR cpu",
                                      "NOT memory",
                                      "NOT (memory OR disk) main",
                                      "ServiceName=(api OR web)",
                                      "(cpu)",
                                      "NOT NOT cpu",
                                      "memory OR cpu AND web"}) {
    EXPECT_EQ(verdict(text), "yes") << text;
  }
  for (const std::string_view text :
       {"{AWS/ECS,ClusterName}", "{AWS/EC2,ClusterName,ServiceName}", "{AWS/ECS} cpu", "we", "fron",
        "util", "memory", "\"web\"", "MetricName=\"CPU\"", "MetricName=\"cpuutilization\"",
        "ServiceName=main", "Other=web", "NOT cpu", "cpu memory", "cpu AND NOT web",
        "memory OR cpu AND disk", "ServiceName=(api OR \"web\")"}) {
    EXPECT_EQ(verdict(text), "no") << text;
  }
}

TEST(MetricSearch, RefusesWhatIsNoSearch) {
  for (const std::string& text : {std::string(),
                                  std::string("  "),
                                  std::string("{"),
                                  std::string("{}"),
                                  std::string("{a"),
                                  std::string("{a,}"),
                                  std::string("{a} {b}"),
                                  std::string("("),
                                  std::string("()"),
                                  std::string("a )"),
                                  std::string("a = "),
                                  std::string("= a"),
                                  std::string("a=b=c"),
                                  std::string("\"a"),
                                  std::string("NOT"),
                                  std::string("a AND"),
                                  std::string("a OR OR"),
                                  std::string("a,b"),
                                  std::string(1025, 'a'),
                                  std::string(500, '('),
                                  [] {
                                    std::string deep;
                                    for (int i = 0; i < 200; ++i) deep += "NOT ";
                                    return deep + "a";
                                  }()}) {
    EXPECT_FALSE(MetricSearch::parse(text)) << text.substr(0, 40);
  }
}

}  // namespace
}  // namespace landfall::cloudwatch
