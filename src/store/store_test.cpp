#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "base/random.h"
#include "store/table.h"
#include "store/testing.h"

namespace landfall::store {
namespace {

using Keys = std::vector<std::string>;

Keys keys_of(const std::vector<KeyValue>& pairs) {
  Keys keys;
  for (const KeyValue& kv : pairs) keys.push_back(kv.key);
  return keys;
}

task<void> reads_see_what_commit_acknowledged(Store& store) {
  EXPECT_EQ(store.revision(), 0);
  auto first = co_await store.commit({{}, {Put{"/a", "1"}, Put{"/b", ""}}});
  EXPECT_TRUE(first && first->succeeded);
  EXPECT_EQ(first->revision, 1);
  EXPECT_EQ(store.revision(), 1);
  auto second = co_await store.commit({{}, {Put{"/a", "2"}, Delete{"/b"}}});
  EXPECT_EQ(second->revision, 2);
  auto a = store.get("/a");
  EXPECT_TRUE(a);
  if (!a) co_return;
  EXPECT_EQ(a->value, "2");
  EXPECT_EQ(a->create_revision, 1);
  EXPECT_EQ(a->mod_revision, 2);
  EXPECT_EQ(a->version, 2);
  EXPECT_FALSE(store.get("/b"));
}
TEST(Store, ReadsSeeWhatCommitAcknowledged) {
  TestStore test;
  test.loop.run(reads_see_what_commit_acknowledged(*test.store));
}

task<void> conditions(Store& store) {
  EXPECT_TRUE((co_await store.commit({{{"/a", 0}}, {Put{"/a", "1"}}}))->succeeded);
  auto again = co_await store.commit({{{"/a", 0}}, {Put{"/a", "2"}}});
  EXPECT_FALSE(again->succeeded);
  EXPECT_EQ(again->revision, 1);
  EXPECT_EQ(store.get("/a")->value, "1");
  EXPECT_TRUE((co_await store.commit({{{"/a", 1}}, {Put{"/a", "2"}}}))->succeeded);
  EXPECT_FALSE((co_await store.commit({{{"/a", 2}, {"/b", 7}}, {Delete{"/a"}}}))->succeeded);
  EXPECT_EQ(store.get("/a")->value, "2");
}
TEST(Store, ComparesAndSwaps) {
  TestStore test;
  test.loop.run(conditions(*test.store));
}

task<void> ranges(Store& store) {
  std::ignore = co_await store.commit(
      {{}, {Put{"/a/1", ""}, Put{"/a/2", ""}, Put{"/a/3", ""}, Put{"/b/1", ""}, Put{"/a", ""}}});
  EXPECT_EQ(keys_of(store.range("/a/")), (Keys{"/a/1", "/a/2", "/a/3"}));
  EXPECT_EQ(keys_of(store.range("/a/", {.limit = 2})), (Keys{"/a/1", "/a/2"}));
  EXPECT_EQ(keys_of(store.range("/a/", {.start_after = "/a/2"})), (Keys{"/a/3"}));
  EXPECT_EQ(keys_of(store.range("/a/", {.start_after = "/a/"})).size(), 3U);
  EXPECT_EQ(keys_of(store.range("/a/", {.start_after = "/b"})), Keys{});
  EXPECT_EQ(store.range("").size(), 5U);
  std::ignore = co_await store.commit({{}, {DeletePrefix{"/a/"}, Put{"/a/9", ""}}});
  EXPECT_EQ(keys_of(store.range("/")), (Keys{"/a", "/a/9", "/b/1"}));
}
TEST(Store, RangesByPrefixPageAndDelete) {
  TestStore test;
  test.loop.run(ranges(*test.store));
}

task<void> put_one(Store& store, int i, std::vector<Revision>& revisions) {
  auto done = co_await store.commit({{}, {Put{fmt::format("/k/{:03}", i), "v"}}});
  EXPECT_TRUE(done);
  if (done) revisions.push_back(done->revision);
}
task<void> put_many(io::Loop& loop, Store& store, std::vector<Revision>& revisions) {
  io::TaskScope scope(loop);
  for (int i = 0; i < 300; ++i) scope.spawn("put", put_one(store, i, revisions));
  co_await scope.join();
}
TEST(Store, TransactionsOfOneFsyncHaveRevisionsOfTheirOwn) {
  TestStore test;
  std::vector<Revision> revisions;
  test.loop.run(put_many(test.loop, *test.store, revisions));
  ASSERT_EQ(revisions.size(), 300U);
  for (std::size_t i = 0; i < revisions.size(); ++i) {
    EXPECT_EQ(revisions[i], static_cast<Revision>(i + 1));
  }
}

// One transaction of a group refers to a lease that is not there, another one's condition fails:
// only they do.
task<void> one_fails(io::Loop& loop, Store& store) {
  std::vector<Revision> revisions;
  std::string refused;
  auto bad = [](Store& s, std::string& out) -> task<void> {
    auto done = co_await s.commit({{}, {Put{"/x", "", 77}}});
    if (!done) out = done.error().code;
  };
  auto unmet = [](Store& s) -> task<void> {
    auto done = co_await s.commit({{{"/k/000", 99}}, {Put{"/y", ""}}});
    EXPECT_TRUE(done && !done->succeeded);
  };
  io::TaskScope scope(loop);
  scope.spawn("good", put_one(store, 0, revisions));
  scope.spawn("bad", bad(store, refused));
  scope.spawn("unmet", unmet(store));
  scope.spawn("good", put_one(store, 1, revisions));
  co_await scope.join();
  EXPECT_EQ(refused, "lease-not-found");
  EXPECT_EQ(revisions, (std::vector<Revision>{1, 2}));
  EXPECT_FALSE(store.get("/x") || store.get("/y"));
}
TEST(Store, OneThatFailsDoesNotFailTheOthers) {
  TestStore test;
  test.loop.run(one_fails(test.loop, *test.store));
}

// ---- against a model

struct Model {
  std::map<std::string, KeyValue> keys;
  Revision revision = 0;

  Committed commit(const Transaction& transaction) {
    for (const Condition& condition : transaction.conditions) {
      const auto found = keys.find(condition.key);
      if ((found == keys.end() ? 0 : found->second.mod_revision) != condition.mod_revision) {
        return {false, revision};
      }
    }
    auto after = keys;
    for (const Operation& operation : transaction.operations) {
      if (const auto* put = std::get_if<Put>(&operation)) {
        KeyValue& kv = after[put->key];
        const auto before = keys.find(put->key);
        const bool goes_on = before != keys.end() && kv.create_revision != 0 &&
                             kv.create_revision == before->second.create_revision;
        kv = {.key = put->key,
              .value = put->value,
              .create_revision = goes_on ? kv.create_revision : revision + 1,
              .mod_revision = revision + 1,
              .version = goes_on ? before->second.version + 1 : 1,
              .lease = 0};
      } else if (const auto* removal = std::get_if<Delete>(&operation)) {
        after.erase(removal->key);
      } else {
        const std::string& prefix = std::get<DeletePrefix>(operation).prefix;
        std::erase_if(after, [&](const auto& item) { return item.first.starts_with(prefix); });
      }
    }
    const bool changed = !std::equal(
        after.begin(), after.end(), keys.begin(), keys.end(), [](const auto& a, const auto& b) {
          return a.first == b.first && a.second.mod_revision == b.second.mod_revision;
        });
    keys = std::move(after);
    if (changed) ++revision;
    return {true, revision};
  }
};

bool same(const KeyValue& a, const KeyValue& b) {
  return a.key == b.key && a.value == b.value && a.create_revision == b.create_revision &&
         a.mod_revision == b.mod_revision && a.version == b.version;
}

Transaction random_transaction(Random& random, const Model& model) {
  // Few keys, some of them prefixes of others, bytes at the edges included.
  const auto key = [&] {
    static const Keys kKeys{"/a", "/a/", "/a/b", "/a/c", "/b", "/b/\xff", "/b/\xff\xff", "/c/x"};
    return kKeys[random.below(kKeys.size())];
  };
  Transaction transaction;
  if (random.below(3) == 0) {
    const std::string name = key();
    const auto found = model.keys.find(name);
    Revision expected = found == model.keys.end() ? 0 : found->second.mod_revision;
    if (random.below(4) == 0) expected += 1;
    transaction.conditions.push_back({name, expected});
  }
  for (std::uint64_t i = random.below(4) + 1; i != 0; --i) {
    switch (random.below(5)) {
      case 0:
        transaction.operations.push_back(Delete{key()});
        break;
      case 1:
        transaction.operations.push_back(DeletePrefix{random.below(2) != 0 ? key() : "/b/\xff"});
        break;
      default:
        transaction.operations.push_back(Put{key(), random.hex(random.below(20))});
    }
  }
  return transaction;
}

task<void> follow_model(Store& store, Random& random, Model& model, int steps) {
  // A watch from the start, read now and then, must lead to the same keys.
  auto watch = store.watch("/", store.revision());
  std::map<std::string, KeyValue> watched = model.keys;
  for (int step = 0; step < steps; ++step) {
    const Transaction transaction = random_transaction(random, model);
    const Revision before = model.revision;
    const Committed expected = model.commit(transaction);
    auto done = co_await store.commit(transaction);
    EXPECT_TRUE(done);
    if (!done) co_return;
    EXPECT_EQ(done->succeeded, expected.succeeded);
    EXPECT_EQ(done->revision, expected.revision);
    const auto all = store.range("");
    EXPECT_TRUE(std::equal(all.begin(), all.end(), model.keys.begin(), model.keys.end(),
                           [](const auto& a, const auto& b) { return same(a, b.second); }))
        << "step " << step;
    if (model.revision == before || random.below(3) != 0) continue;
    auto events = co_await watch->next();
    EXPECT_TRUE(events);
    if (!events) co_return;
    for (const Event& event : *events) {
      const auto previous = watched.find(event.current.key);
      EXPECT_EQ(event.previous.has_value(), previous != watched.end());
      if (event.previous && previous != watched.end()) {
        EXPECT_TRUE(same(*event.previous, previous->second));
      }
      if (event.kind == Event::Kind::remove) {
        watched.erase(event.current.key);
      } else {
        watched[event.current.key] = event.current;
      }
    }
    EXPECT_TRUE(std::equal(watched.begin(), watched.end(), model.keys.begin(), model.keys.end(),
                           [](const auto& a, const auto& b) { return same(a.second, b.second); }))
        << "step " << step;
  }
}

TEST(Store, FollowsAModelAlsoAfterReopening) {
  TemporaryFolder folder;
  SeededRandom random(20261121);
  Model model;
  for (int round = 0; round < 6; ++round) {
    TestStore test({.file = folder.path() / "state.db", .history = 50});
    EXPECT_EQ(test.store->revision(), model.revision);
    test.loop.run(follow_model(*test.store, random, model, 200));
  }
}

// ---- the file

TEST(Store, FileIsPrivateAndOpenedOnce) {
  TestStore test;
  struct stat info{};
  ASSERT_EQ(::stat((test.folder.path() / "state.db").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  auto second = open_sqlite(test.loop, test.clock, {.file = test.folder.path() / "state.db"});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, "locked");
}

Error open_bytes(const std::string& bytes) {
  TemporaryFolder folder;
  const auto file = folder.path() / "state.db";
  std::ofstream(file, std::ios::binary) << bytes;
  io::Loop loop{1};
  SystemClock clock;
  auto opened = open_sqlite(loop, clock, {.file = file});
  return opened ? Error{} : opened.error();
}

task<void> fill(Store& store) {
  for (int i = 0; i < 200; ++i) {
    std::ignore =
        co_await store.commit({{}, {Put{fmt::format("/k/{}", i), std::string(500, 'x')}}});
  }
}

TEST(Store, SaysWhenTheFileIsDamagedOrNotOurs) {
  EXPECT_EQ(open_bytes("this is not a database, and it is long enough to be looked at").code,
            "store-corrupt");
  TemporaryFolder folder;
  const auto file = folder.path() / "state.db";
  {
    TestStore test({.file = file});
    test.loop.run(fill(*test.store));
  }
  std::stringstream content;
  content << std::ifstream(file, std::ios::binary).rdbuf();
  const std::string good = content.str();
  ASSERT_GT(good.size(), 65536U);
  EXPECT_EQ(open_bytes(good).code, "");
  std::string torn = good;
  torn.replace(20480, 8192, std::string(8192, '\x5a'));
  EXPECT_EQ(open_bytes(torn).code, "store-corrupt");
  EXPECT_EQ(open_bytes(good.substr(0, good.size() / 2)).code, "store-corrupt");
  std::string newer = good;
  newer[63] = 99;  // the last byte of user_version
  EXPECT_EQ(open_bytes(newer).code, "store-version");
  std::string foreign = good;
  foreign[68] = 0;  // application_id
  EXPECT_EQ(open_bytes(foreign).code, "store-corrupt");
}

// ---- table

struct Item {
  int number = 0;
};
LF_RECORD(Item, number)

task<void> raise(Table<Item> table, std::string id) {
  auto row = co_await table.update(id, [](Item& item) -> Result<bool> {
    ++item.number;
    return true;
  });
  EXPECT_TRUE(row);
}
task<void> raise_together(io::Loop& loop, Store& store) {
  Table<Item> table(store, "/items/");
  std::ignore = co_await store.commit({{table.absent("a")}, {table.put("a", Item{})}});
  io::TaskScope scope(loop);
  for (int i = 0; i < 8; ++i) scope.spawn("raise", raise(table, "a"));
  co_await scope.join();
  EXPECT_EQ(table.get("a")->value.number, 8);
  auto missing = co_await table.update("b", [](Item&) -> Result<bool> { return true; });
  EXPECT_EQ(missing.error().code, "not-found");
  // An unreadable record hides only itself.
  std::ignore = co_await store.commit({{}, {Put{"/items/0", "rubbish"}}});
  EXPECT_EQ(table.list().size(), 1U);
}
TEST(Table, UpdatesThatMeetLoseNothing) {
  TestStore test;
  test.loop.run(raise_together(test.loop, *test.store));
}

}  // namespace
}  // namespace landfall::store
