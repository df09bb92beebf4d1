#include <gtest/gtest.h>

#include "wire/test_services.h"
#include "wire/validate.h"

namespace landfall::wire::testing {

struct Kept {
  std::string name;
  ecs::ContainerDefinition container;
  std::vector<ecs::KeyValuePair> pairs;
  wire::List<ecs::Tag> tags;
  std::optional<ecs::NetworkConfiguration> network;
};
LF_RECORD(Kept, name, container, pairs, tags, network)

namespace {

TEST(Record, KeepsGeneratedTypes) {
  Kept before;
  before.container.name = "app";
  before.container.environment.push_back({.name = "A", .value = "1"});
  before.container.secrets.present = true;
  before.container.docker_labels["x"] = "y";
  before.pairs.push_back({.name = "n"});
  before.tags.present = true;
  before.network.emplace().awsvpc_configuration.emplace().subnets = {"subnet-1"};
  auto after = record::from_text<Kept>(record::to_text(before));
  ASSERT_TRUE(after);
  EXPECT_EQ(record::to_text(*after), record::to_text(before));
  EXPECT_TRUE(equal(after->container, before.container));
  EXPECT_TRUE(after->container.secrets.present);
  EXPECT_FALSE(after->container.mount_points.given());
  EXPECT_TRUE(after->tags.present);
  EXPECT_EQ(after->network->awsvpc_configuration->subnets[0], "subnet-1");
  after->container.environment[0].value = "2";
  EXPECT_FALSE(equal(after->container, before.container));
}

TEST(Record, KeepsMillisecondsAndRefusesOtherTypes) {
  ecs::Task task;
  task.created_at = from_unix_ms(1'795'255'898'103);
  auto after = record::from_text<ecs::Task>(record::to_text(task));
  ASSERT_TRUE(after);
  EXPECT_EQ(after->created_at, task.created_at);
  EXPECT_FALSE(record::from_text<ecs::Task>(R"({"cpu": 1})"));
}

TEST(Pattern, MatchesTheWholeTextInLinearTime) {
  // [a-c]+x?[0-9]*
  const std::uint64_t abc = std::uint64_t(7) << ('a' - 64), x = std::uint64_t(1) << ('x' - 64),
                      digits = std::uint64_t(0x3ff) << '0';
  const PatternStep steps[] = {{0, abc},
                               {0, abc, false, true, true},
                               {0, x, false, true, false},
                               {digits, 0, true, true, true}};
  for (auto good : {"a", "abc", "ax", "abx12", "b7", "cé"})
    EXPECT_TRUE(matches(steps, good)) << good;
  for (auto bad : {"", "x", "axx", "ax1a", "d", "é"}) EXPECT_FALSE(matches(steps, bad)) << bad;
  EXPECT_TRUE(matches(steps, std::string(1'000'000, 'a')));
}

}  // namespace
}  // namespace landfall::wire::testing
