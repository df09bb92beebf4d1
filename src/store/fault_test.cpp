// What the store promises when the machine does not keep its own: kill -9, a full disk, a failing
// one, loss of power.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/faulty_vfs.h"
#include "store/testing.h"

namespace landfall::store {
namespace {

// Transaction i writes i to two keys of its writer and deletes an older pair: whole or not at all.
Transaction numbered(const std::string& writer, int i) {
  Transaction transaction;
  transaction.operations = {Put{fmt::format("/{}/a/{:06}", writer, i), std::to_string(i)},
                            Put{fmt::format("/{}/b/{:06}", writer, i), std::string(700, 'x')},
                            Put{fmt::format("/{}/last", writer), std::to_string(i)}};
  if (i >= 20) {
    transaction.operations.push_back(Delete{fmt::format("/{}/a/{:06}", writer, i - 20)});
    transaction.operations.push_back(Delete{fmt::format("/{}/b/{:06}", writer, i - 20)});
  }
  return transaction;
}

// No transaction is there in part, none is missing before the last, and the last is not before
// `acknowledged`.
void check_writer(Store& store, const std::string& writer, int acknowledged) {
  const auto last = store.get(fmt::format("/{}/last", writer));
  const int highest = last ? std::stoi(last->value) : -1;
  EXPECT_GE(highest, acknowledged) << "an acknowledged transaction is lost";
  std::vector<std::string> expected;
  for (int i = std::max(0, highest - 19); i <= highest; ++i) {
    expected.push_back(fmt::format("{:06}", i));
  }
  for (const char* kind : {"a", "b"}) {
    std::vector<std::string> found;
    const std::string prefix = fmt::format("/{}/{}/", writer, kind);
    for (const KeyValue& kv : store.range(prefix)) found.push_back(kv.key.substr(prefix.size()));
    EXPECT_EQ(found, expected) << writer << " " << kind;
  }
}

task<void> write_and_report(Store& store, std::string writer, int from, int to, int report) {
  for (int i = from; i < to; ++i) {
    auto done = co_await store.commit(numbered(writer, i));
    if (!done) co_return;
    if (report < 0) continue;
    const std::string line = fmt::format("{} {}\n", writer, i);
    if (::write(report, line.data(), line.size()) < 0) co_return;
  }
}

task<void> write_side_by_side(io::Loop& loop, Store& store, std::map<std::string, int> from,
                              int report) {
  io::TaskScope scope(loop);
  for (const auto& [writer, start] : from) {
    scope.spawn(writer, write_and_report(store, writer, start, 1'000'000, report));
  }
  co_await scope.join();
}

[[noreturn]] void run_victim(const std::filesystem::path& file,
                             const std::map<std::string, int>& from, int report) {
  io::Loop loop{1};
  SystemClock clock;
  auto store = open_sqlite(loop, clock, {.file = file, .history = 100});
  if (!store) ::_exit(1);
  loop.run(write_side_by_side(loop, **store, from, report));
  ::_exit(2);
}

TEST(StoreFault, KilledAtAnyMomentItHasWhatItAcknowledged) {
  TemporaryFolder folder;
  const auto file = folder.path() / "state.db";
  const std::uint64_t seed = SystemRandom().next();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  SeededRandom random(seed);
  std::map<std::string, int> acknowledged{{"w0", -1}, {"w1", -1}, {"w2", -1}};
  for (int round = 0; round < 20; ++round) {
    std::map<std::string, int> from;
    {
      TestStore test({.file = file, .history = 100});
      for (const auto& [writer, last] : acknowledged) {
        check_writer(*test.store, writer, last);
        const auto kept = test.store->get(fmt::format("/{}/last", writer));
        from[writer] = kept ? std::stoi(kept->value) + 1 : 0;
      }
    }
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      ::close(ends[0]);
      run_victim(file, from, ends[1]);
    }
    ::close(ends[1]);
    // Dies at a random moment after it has begun to acknowledge, or while it opens the store.
    std::string reported(1, '\0');
    if (round % 4 != 0) ASSERT_EQ(::read(ends[0], reported.data(), 1), 1);
    ::usleep(static_cast<useconds_t>(random.below(8'000)));
    ::kill(child, SIGKILL);
    std::string rest(1 << 20, '\0');
    std::string text = round % 4 != 0 ? reported : "";
    for (ssize_t size = 0; (size = ::read(ends[0], rest.data(), rest.size())) > 0;) {
      text.append(rest, 0, static_cast<std::size_t>(size));
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    std::istringstream lines(text);
    std::string writer;
    for (int i = 0; lines >> writer >> i;) acknowledged[writer] = i;
  }
  TestStore test({.file = file});
  for (const auto& [writer, last] : acknowledged) check_writer(*test.store, writer, last);
  EXPECT_GT(acknowledged["w0"], 0);
}

// ---- loss of power

task<void> write_until_it_fails(Store& store, std::string writer, int from, int& acknowledged) {
  for (int i = from;; ++i) {
    auto done = co_await store.commit(numbered(writer, i));
    if (!done) co_return;
    acknowledged = i;
  }
}

task<void> cut_power_while_writing(io::Loop& loop, FaultyVfs& vfs, Random& random, Store& store,
                                   int& a, int& b) {
  io::TaskScope scope(loop);
  scope.spawn("a", write_until_it_fails(store, "a", a + 1, a));
  scope.spawn("b", write_until_it_fails(store, "b", b + 1, b));
  for (std::uint64_t i = random.below(40); i != 0; --i) co_await loop.yield();
  co_await loop.sleep_for(Millis(static_cast<std::int64_t>(random.below(20))));
  vfs.cut_power(random);
  co_await scope.join();
}

TEST(StoreFault, WithoutPowerItHasWhatItAcknowledged) {
  TemporaryFolder folder;
  const auto file = folder.path() / "state.db";
  FaultyVfs vfs("faulty-power");
  const std::uint64_t seed = SystemRandom().next();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  SeededRandom random(seed);
  int a = -1;
  int b = -1;
  for (int round = 0; round < 25; ++round) {
    {
      TestStore test({.file = file, .history = 50, .vfs = "faulty-power"});
      check_writer(*test.store, "a", a);
      check_writer(*test.store, "b", b);
      // What was on disk without having been acknowledged has been seen now, and stays.
      const auto last = [&](const char* key) {
        const auto kept = test.store->get(key);
        return kept ? std::stoi(kept->value) : -1;
      };
      a = last("/a/last");
      b = last("/b/last");
      test.loop.run(cut_power_while_writing(test.loop, vfs, random, *test.store, a, b));
    }
    vfs.restore();
    std::filesystem::remove(file.string() + "-shm");
  }
  EXPECT_GT(a, 50);
}

// ---- a full disk, a failing one

task<void> fill_and_recover(io::Loop& loop, FaultyVfs& vfs, Store& store) {
  EXPECT_TRUE(co_await store.commit(numbered("a", 0)));
  for (int room = 0; room < 12; ++room) {
    vfs.fail_writes_after(room + 1);
    const auto before = store.range("");
    const Revision revision = store.revision();
    int fitted = 0;
    std::string refused;
    // Several at once, so that they share a transaction: who fits may be done, who is refused is
    // not.
    auto one = [](Store& s, int i, int& done, std::string& code) -> task<void> {
      auto committed =
          co_await s.commit({{}, {Put{fmt::format("/f/{}", i), std::string(9000, 'x')}}});
      if (committed) {
        ++done;
      } else {
        code = committed.error().code;
      }
    };
    io::TaskScope scope(loop);
    for (int i = 0; i < 4; ++i) scope.spawn("fill", one(store, room * 10 + i, fitted, refused));
    co_await scope.join();
    vfs.fail_writes_after(-1);
    EXPECT_EQ(refused, fitted == 4 ? "" : "disk-full") << room;
    EXPECT_EQ(store.revision(), revision + fitted);
    EXPECT_EQ(store.range("").size(), before.size() + static_cast<std::size_t>(fitted));
    auto done = co_await store.commit({{}, {Put{"/after", std::to_string(room)}}});
    EXPECT_TRUE(done) << "works again when there is room";
    if (!done) co_return;
  }
  vfs.fail_syncs_after(1);
  auto failed = co_await store.commit({{}, {Put{"/unsynced", "x"}}});
  EXPECT_FALSE(failed) << "nothing is acknowledged that is not synced";
  if (!failed) EXPECT_EQ(failed.error().code, "store-failed");
  EXPECT_FALSE(store.get("/unsynced"));
  vfs.fail_syncs_after(-1);
  EXPECT_TRUE(co_await store.commit({{}, {Put{"/synced", "x"}}}));
}

task<void> compare(Store& store, const std::vector<KeyValue>& expected) {
  const auto all = store.range("");
  EXPECT_EQ(all.size(), expected.size());
  EXPECT_TRUE(std::equal(all.begin(), all.end(), expected.begin(), expected.end(),
                         [](const KeyValue& x, const KeyValue& y) {
                           return x.key == y.key && x.value == y.value &&
                                  x.mod_revision == y.mod_revision;
                         }));
  co_return;
}

TEST(StoreFault, AFullOrFailingDiskIsAnErrorThatPasses) {
  TemporaryFolder folder;
  const auto file = folder.path() / "state.db";
  FaultyVfs vfs("faulty-full");
  std::vector<KeyValue> expected;
  {
    TestStore test({.file = file, .vfs = "faulty-full"});
    test.loop.run(fill_and_recover(test.loop, vfs, *test.store));
    expected = test.store->range("");
  }
  TestStore test({.file = file});
  test.loop.run(compare(*test.store, expected));
}

}  // namespace
}  // namespace landfall::store
