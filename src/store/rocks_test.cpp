#include "store/rocks.h"

#include <gtest/gtest.h>

#include "store/faulty_files.h"
#include "store/testing.h"

namespace landfall::store {
namespace {

struct Fixture {
  bool open() {
    rocks.reset();
    auto opened = Rocks::open(
        loop, folder.path() / "rocks",
        {.area = "test",
         .families = {{.name = "rows", .buffer_bytes = 64 << 10}},
         .last = [this](rocksdb::WriteBatch& batch) { batch.Put(rocks->facts(), "batches", "x"); },
         .files = files});
    if (opened) rocks = std::move(*opened);
    return opened.has_value();
  }
  task<Result<void>> put(std::string key, std::string value) {
    const std::size_t bytes = key.size() + value.size();
    co_return co_await rocks->write(
        [this, key = std::move(key), value = std::move(value)](rocksdb::WriteBatch& batch) {
          batch.Put(rocks->family(0), key, value);
        },
        bytes);
  }
  std::string get(const std::string& key) {
    std::string value;
    const auto status = rocks->db().Get({}, rocks->family(0), key, &value);
    return status.ok() ? value : status.ToString();
  }

  TemporaryFolder folder;
  io::Loop loop{1};
  std::shared_ptr<FaultyFiles> files = std::make_shared<FaultyFiles>();
  std::shared_ptr<Rocks> rocks;
};

// Several write beside each other, each its own keys in order, until the first error.
struct Acknowledged {
  std::map<std::string, std::string> rows;
  int errors = 0;
};

task<void> write_until_refused(Fixture& f, int writer, int round, std::uint64_t seed,
                               Acknowledged& all) {
  SeededRandom random{seed};
  for (int i = 0; i < 40; ++i) {
    std::string key = fmt::format("{}-{}-{}", round, writer, i);
    std::string value = random.hex(1 + random.below(1500));
    auto done = co_await f.put(key, value);
    if (!done) {
      ++all.errors;
      co_return;
    }
    all.rows.emplace(std::move(key), std::move(value));
  }
}

task<void> write_beside(Fixture& f, int round, Random& random, Acknowledged& all) {
  io::TaskScope scope(f.loop);
  for (int writer = 0; writer < 4; ++writer) {
    scope.spawn("writer", write_until_refused(f, writer, round, random.next(), all));
  }
  co_await scope.join();
}

void expect_all(Fixture& f, const Acknowledged& all) {
  for (const auto& [key, value] : all.rows) ASSERT_EQ(f.get(key), value) << key;
}

TEST(Rocks, WhatIsAcknowledgedSurvivesTheLossOfPower) {
  Fixture f;
  SeededRandom random{20261121};
  Acknowledged all;
  ASSERT_TRUE(f.open());
  for (int round = 0; round < 6; ++round) {
    f.files->cut_power_after(static_cast<std::int64_t>(20'000 + random.below(100'000)));
    f.loop.run(write_beside(f, round, random, all));
    f.files->cut_power();
    f.rocks.reset();
    f.files->restore(random);
    ASSERT_TRUE(f.open()) << round;
    expect_all(f, all);
  }
  EXPECT_GT(all.errors, 5);
  EXPECT_GT(all.rows.size(), 200U);
}

// The page cache would show what the disk does not have.
TEST(Rocks, AFailedSyncIsAnErrorAndNothingLaterPretends) {
  for (int number = 1; number <= 40; number += 13) {
    Fixture f;
    SeededRandom random{static_cast<std::uint64_t>(number)};
    Acknowledged all;
    ASSERT_TRUE(f.open());
    f.files->fail_sync_number(number);
    f.loop.run(write_beside(f, 0, random, all));
    f.loop.run(write_beside(f, 1, random, all));
    EXPECT_GE(all.errors, 1) << number;
    f.files->cut_power();
    f.rocks.reset();
    f.files->restore(random);
    ASSERT_TRUE(f.open());
    expect_all(f, all);
    // It goes on from there.
    f.loop.run(write_beside(f, 2, random, all));
    expect_all(f, all);
  }
}

task<void> write_after_the_end(Fixture& f) {
  EXPECT_TRUE(co_await f.put("before", "1"));
  f.rocks->stop();
  EXPECT_EQ((co_await f.put("after", "1")).error().code, "test-failed");
}
TEST(Rocks, ReadsButDoesNotWriteAfterItsStop) {
  Fixture f;
  ASSERT_TRUE(f.open());
  f.loop.run(write_after_the_end(f));
  EXPECT_EQ(f.get("before"), "1");
}

task<void> write_in_order(Fixture& f, std::vector<int>& order) {
  io::TaskScope scope(f.loop);
  const auto one = [](Fixture& fixture, std::vector<int>& seen, int i) -> task<void> {
    EXPECT_TRUE(co_await fixture.rocks->write(
        [&seen, i](rocksdb::WriteBatch&) { seen.push_back(i); }, 1 << 20));
  };
  for (int i = 0; i < 50; ++i) scope.spawn("one", one(f, order, i));
  co_await scope.join();
}
TEST(Rocks, FillsBatchesInTheOrderOfTheCalls) {
  Fixture f;
  ASSERT_TRUE(f.open());
  std::vector<int> order;
  f.loop.run(write_in_order(f, order));
  ASSERT_EQ(order.size(), 50U);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

}  // namespace
}  // namespace landfall::store
