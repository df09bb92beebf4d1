#include "services/logs/engine/engine.h"

#include <gtest/gtest.h>

#include "services/logs/pattern/pattern.h"
#include "store/faulty_files.h"
#include "store/testing.h"

namespace landfall::logs {
namespace {

constexpr std::int64_t kGroup = 7;

struct Fixture {
  Fixture() { open(); }
  void open() {
    engine.reset();
    auto opened = Engine::open(loop, clock, random, folder.path() / "logs", files);
    CHECK(opened.has_value());
    engine = std::move(*opened);
  }
  task<void> create(std::string name) {
    auto done = co_await engine->create_stream(kGroup, std::move(name));
    EXPECT_TRUE(done);
  }
  task<void> add(std::string stream, std::vector<LogEvent> events) {
    auto done = co_await engine->append({kGroup, std::move(stream), std::move(events)});
    EXPECT_TRUE(done);
  }
  task<std::string> find(Query query, std::optional<Position>* more = nullptr) {
    query.group = kGroup;
    auto page = co_await engine->search(std::move(query));
    EXPECT_TRUE(page);
    std::string text;
    for (const Found& event : page->events) {
      text += fmt::format("{}:{}:{} ", event.stream, event.position.time_ms, event.message);
    }
    if (more != nullptr) *more = page->more;
    co_return text;
  }

  store::TemporaryFolder folder;
  io::Loop loop{2};
  FakeClock clock{from_unix_ms(1'800'000'000'000)};
  SeededRandom random{1};
  std::shared_ptr<store::FaultyFiles> files = std::make_shared<store::FaultyFiles>();
  std::unique_ptr<Engine> engine;
};

std::shared_ptr<const Pattern> pattern(std::string_view text) { return *Pattern::parse(text); }

task<void> interleave(Fixture& f) {
  co_await f.create("a");
  co_await f.create("b");
  EXPECT_EQ((co_await f.engine->create_stream(kGroup, "a")).error().code, "exists");
  co_await f.add("a", {{1000, "a1"}, {3000, "a3"}});
  co_await f.add("b", {{2000, "b2"}, {3000, "b3"}, {90'000, "b90"}});
  co_await f.add("a", {{1500, "late"}});
  EXPECT_EQ(co_await f.find({}),
            "a:1000:a1 a:1500:late b:2000:b2 a:3000:a3 b:3000:b3 b:90000:b90 ");
  EXPECT_EQ(co_await f.find({.streams = {"b"}}), "b:2000:b2 b:3000:b3 b:90000:b90 ");
  EXPECT_EQ(co_await f.find({.prefix = "b"}), "b:2000:b2 b:3000:b3 b:90000:b90 ");
  EXPECT_EQ(co_await f.find({.from_ms = 1500, .to_ms = 3000}), "a:1500:late b:2000:b2 ");
  EXPECT_EQ(co_await f.find({.from_ms = 3001}), "b:90000:b90 ");
  EXPECT_EQ(co_await f.find({.pattern = pattern("3")}), "a:3000:a3 b:3000:b3 ");
  EXPECT_EQ(co_await f.find({.streams = {"b"}, .backward = true, .limit = 2}),
            "b:3000:b3 b:90000:b90 ");
  EXPECT_EQ(f.engine->find(kGroup, "a")->first_event_ms, 1000);
  EXPECT_EQ(f.engine->find(kGroup, "a")->last_event_ms, 3000);
  EXPECT_EQ(f.engine->find(kGroup, "b")->bytes, 3 * 26 + 7);
}
TEST(LogEngine, MergesStreamsInOrderOfTime) {
  Fixture f;
  f.loop.run(interleave(f));
}

// Every way of reading gives the same events, whatever the page size, and after a restart.
struct Written {
  std::int64_t time_ms;
  std::size_t order;
  std::string text;
};

task<void> write_random(Fixture& f, std::vector<Written>& written) {
  for (int s = 0; s < 5; ++s) co_await f.create(fmt::format("s{}", s));
  for (int batch = 0; batch < 60; ++batch) {
    const std::string stream = fmt::format("s{}", f.random.below(5));
    std::vector<LogEvent> events;
    std::int64_t time = static_cast<std::int64_t>(f.random.below(400'000));
    for (std::uint64_t i = f.random.below(40); i != 0; --i) {
      time += static_cast<std::int64_t>(f.random.below(9'000));
      // Some fill a block alone.
      const std::size_t size = f.random.below(20) == 0 ? 70'000 : f.random.below(50);
      events.push_back({time, fmt::format("{}-{}", f.random.hex(6), std::string(size, 'x'))});
    }
    for (const LogEvent& event : events) {
      written.push_back({event.time_ms, written.size(),
                         fmt::format("{}:{}:{}", stream, event.time_ms, event.message)});
    }
    co_await f.add(stream, std::move(events));
  }
  std::sort(written.begin(), written.end(), [](const Written& a, const Written& b) {
    return std::tuple(a.time_ms, a.order) < std::tuple(b.time_ms, b.order);
  });
}

std::string shown(const Found& event) {
  return fmt::format("{}:{}:{}", event.stream, event.position.time_ms, event.message);
}

task<void> read_all_ways(Fixture& f, const std::vector<Written>& written) {
  for (const std::size_t limit : {1UL, 7UL, 10'000UL}) {
    std::vector<std::string> read;
    Query query{.group = kGroup, .from_ms = 50'000, .to_ms = 300'000, .limit = limit};
    while (true) {
      auto page = co_await f.engine->search(query);
      EXPECT_TRUE(page);
      if (!page) co_return;
      EXPECT_LE(page->events.size(), limit);
      for (const Found& event : page->events) read.push_back(shown(event));
      if (!page->more) break;
      query.after = page->more;
    }
    std::vector<std::string> expected;
    for (const Written& event : written) {
      if (event.time_ms >= 50'000 && event.time_ms < 300'000) expected.push_back(event.text);
    }
    EXPECT_EQ(read, expected) << limit;
  }
  // Backwards, page by page.
  std::vector<std::string> read;
  Query query{.group = kGroup, .streams = {"s2"}, .backward = true, .limit = 9};
  while (true) {
    auto page = co_await f.engine->search(query);
    EXPECT_TRUE(page);
    if (!page || page->events.empty()) break;
    std::vector<std::string> now;
    for (const Found& event : page->events) now.push_back(shown(event));
    read.insert(read.begin(), now.begin(), now.end());
    query.before = page->events.front().position;
  }
  std::vector<std::string> expected;
  for (const Written& event : written) {
    if (event.text.starts_with("s2:")) expected.push_back(event.text);
  }
  EXPECT_EQ(read, expected);
  // A search that may look at little only still finds everything, in more pages.
  std::vector<std::string> found;
  Query rare{.group = kGroup, .scan_limit = 100'000, .pattern = pattern("a1")};
  std::size_t pages = 0;
  while (pages++ < 10'000) {
    auto page = co_await f.engine->search(rare);
    for (const Found& event : page->events) found.push_back(shown(event));
    if (!page->more) break;
    rare.after = page->more;
  }
  std::vector<std::string> rare_expected;
  for (const Written& event : written) {
    if (event.text.substr(event.text.find_last_of(':')).find("a1") != std::string::npos) {
      rare_expected.push_back(event.text);
    }
  }
  EXPECT_EQ(found, rare_expected);
  EXPECT_GT(pages, 3U);
}

TEST(LogEngine, ReadsTheSameHoweverItIsAsked) {
  Fixture f;
  std::vector<Written> written;
  f.loop.run(write_random(f, written));
  ASSERT_GT(written.size(), 800U);
  f.loop.run(read_all_ways(f, written));
  f.open();
  f.loop.run(read_all_ways(f, written));
}

task<void> follow(Fixture& f) {
  co_await f.create("a");
  const auto append = [&f](std::int64_t position, std::string text) {
    return f.engine->append({kGroup, "a", {{position, std::move(text)}}, "conmon", position});
  };
  EXPECT_TRUE(co_await append(10, "one"));
  EXPECT_TRUE(co_await append(20, "two"));
  EXPECT_TRUE(co_await append(20, "two"));  // again, after a restart of the follower
  EXPECT_TRUE(co_await append(15, "x"));
}
task<void> has_followed(Fixture& f) {
  EXPECT_EQ(co_await f.find({}), "a:10:one a:20:two ");
  EXPECT_EQ(f.engine->find(kGroup, "a")->followers.at("conmon"), 20);
}
TEST(LogEngine, KeepsAFollowersPositionWithItsLines) {
  Fixture f;
  f.loop.run(follow(f));
  f.open();
  f.loop.run(has_followed(f));
}

task<void> remove(Fixture& f) {
  co_await f.create("a");
  co_await f.create("b");
  co_await f.add("a", {{1000, "a1"}});
  co_await f.add("b", {{1000, "old"}, {70'000, "edge"}, {200'000, "new"}});
  EXPECT_TRUE(co_await f.engine->delete_stream(kGroup, "a"));
  EXPECT_EQ((co_await f.engine->delete_stream(kGroup, "a")).error().code, "not-found");
  co_await f.create("a");  // a new one of the same name starts empty
  EXPECT_EQ(co_await f.find({.streams = {"a"}}), "");
  EXPECT_TRUE(co_await f.engine->expire(kGroup, 100'000));
  EXPECT_EQ(co_await f.find({}), "b:70000:edge b:200000:new ");
  EXPECT_EQ(f.engine->find(kGroup, "b")->bytes, 2 * 26 + 7);
  EXPECT_TRUE(co_await f.engine->drop_group(kGroup));
  EXPECT_EQ(co_await f.find({}), "");
  EXPECT_EQ((co_await f.engine->append({kGroup, "b", {}})).error().code, "not-found");
}
TEST(LogEngine, ForgetsWhatIsDeletedOrTooOld) {
  Fixture f;
  f.loop.run(remove(f));
  f.open();
  EXPECT_TRUE(f.engine->groups().empty());
}

task<void> append_to_a_dead_disk(Fixture& f) {
  co_await f.create("a");
  EXPECT_TRUE(co_await f.engine->append({kGroup, "a", {{1000, "kept"}}, "conmon", 10}));
  f.files->cut_power();
  for (const std::int64_t position : {20, 20, 30}) {
    auto refused =
        co_await f.engine->append({kGroup, "a", {{position * 100, "lost"}}, "conmon", position});
    EXPECT_FALSE(refused);
  }
  EXPECT_FALSE(co_await f.engine->create_stream(kGroup, "b"));
}
task<void> nothing_pretends(Fixture& f) {
  const Stream* stream = f.engine->find(kGroup, "a");
  EXPECT_NE(stream, nullptr);
  if (stream == nullptr) co_return;
  EXPECT_EQ(stream->last_event_ms, 1000);
  EXPECT_EQ(stream->bytes, 26 + 4);
  EXPECT_EQ(stream->followers.at("conmon"), 10);
  EXPECT_EQ(f.engine->find(kGroup, "b"), nullptr);
  EXPECT_EQ(co_await f.find({}), "a:1000:kept ");
}
TEST(LogEngine, ARefusedAppendLeavesNoTrace) {
  Fixture f;
  f.loop.run(append_to_a_dead_disk(f));
  f.loop.run(nothing_pretends(f));
  f.engine.reset();
  f.files->restore(f.random);
  f.open();
  f.loop.run(nothing_pretends(f));
}

// Several streams are appended to beside each other while the power goes; two appends of one
// stream build on each other.
struct Accepted {
  std::map<std::string, std::vector<std::string>> lines;
  int refused = 0;
};
task<void> append_lines(Fixture& f, std::string stream, int round, Accepted& accepted) {
  for (int i = 0; i < 40; ++i) {
    std::string line = fmt::format("{}-{}-{}", round, i, std::string(300, 'x'));
    auto done = co_await f.engine->append({kGroup, stream, {{1000 + i, line}}});
    if (!done) {
      ++accepted.refused;
      co_return;
    }
    accepted.lines[stream].push_back(std::move(line));
  }
}
task<void> append_beside(Fixture& f, int round, Accepted& accepted) {
  io::TaskScope scope(f.loop);
  for (const std::string stream : {"a", "a", "b"}) {
    if (f.engine->find(kGroup, stream) == nullptr) co_await f.create(stream);
    scope.spawn("append", append_lines(f, stream, round, accepted));
  }
  co_await scope.join();
}
task<void> has_all(Fixture& f, const Accepted& accepted) {
  for (const auto& [stream, lines] : accepted.lines) {
    auto page = co_await f.engine->search(
        {.group = kGroup, .streams = {stream}, .byte_limit = std::size_t{1} << 30});
    EXPECT_TRUE(page);
    std::multiset<std::string> there;
    for (const Found& event : page->events) there.insert(event.message);
    for (const std::string& line : lines) EXPECT_TRUE(there.contains(line)) << line;
    EXPECT_GE(there.size(), lines.size());
  }
}
TEST(LogEngine, EveryAcknowledgedLineSurvivesTheLossOfPower) {
  Fixture f;
  Accepted accepted;
  f.loop.run(append_beside(f, 0, accepted));
  for (int round = 1; round < 8; ++round) {
    f.files->cut_power_after(static_cast<std::int64_t>(f.random.below(60'000)));
    f.loop.run(append_beside(f, round, accepted));
    f.files->cut_power();
    f.engine.reset();
    f.files->restore(f.random);
    f.open();
    f.loop.run(has_all(f, accepted));
  }
  EXPECT_GT(accepted.refused, 6);
}

TEST(LogPosition, IsFiftySixDigitsThatSortLikeIt) {
  const Position a{1'800'000'000'000, 7, 3};
  const Position b{1'800'000'000'000, 12, 0};
  EXPECT_EQ(a.str().size(), 56U);
  EXPECT_LT(a.str(), b.str());
  Position back;
  ASSERT_TRUE(Position::parse(a.str(), back));
  EXPECT_EQ(back, a);
  EXPECT_FALSE(Position::parse("3" + std::string(55, 'x'), back));
  EXPECT_FALSE(Position::parse(std::string(56, '1'), back));
  EXPECT_LT(b.before(), b);
  EXPECT_LT(a, b.before());
}

TEST(LogBlock, ADamagedBlockEndsEarly) {
  std::string block;
  encode_blocks({{1000, "one"}, {1001, "two"}}, 5,
                [&](std::int64_t, const std::string& b) { block = b; });
  for (std::size_t size = 0; size < block.size(); ++size) {
    const std::string torn = block.substr(0, size);
    BlockReader reader(1000, torn);
    std::size_t events = 0;
    while (reader.next()) ++events;
    EXPECT_LE(events, 1U);
  }
}

}  // namespace
}  // namespace landfall::logs
