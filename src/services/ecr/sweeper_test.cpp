#include "services/ecr/sweeper.h"

#include <gtest/gtest.h>

#include "services/ecr/deletion.h"
#include "services/ecr/images.h"
#include "services/iam/identities.h"
#include "store/sealed.h"
#include "store/testing.h"

namespace landfall::ecr {
namespace {

using std::chrono::hours;

class NoClients final : public ClientSetup {
 public:
  task<void> introduce(std::string, std::uint16_t) override { co_return; }
};

const Scope kScope{"123456789012", "us-west-1"};
constexpr std::string_view kOci = "application/vnd.oci.image.manifest.v1+json";

class EcrSweeperTest : public testing::Test {
 public:
  EcrSweeperTest() {
    // Blobs carry the machine's time.
    test_.clock.set(SystemClock().now());
    CHECK(blobs_.open().has_value());
  }

  template <class T>
  T run(task<T> work) {
    std::optional<T> out;
    test_.loop.run(keep(std::move(work), out));
    return std::move(*out);
  }
  template <class T>
  static task<void> keep(task<T> work, std::optional<T>& out) {
    out.emplace(co_await std::move(work));
  }

  FoundRepository repository(const std::string& name) {
    const auto table = repositories(*test_.store, kScope);
    if (!table.get(repository_id(name))) {
      RepositoryRecord record;
      record.name = name;
      record.created_at = test_.clock.now();
      CHECK(run(test_.store->commit({{}, {table.put(repository_id(name), record)}})).has_value());
    }
    return *find_repository(ecr_, kScope, name);
  }
  host::Digest blob(const std::string& name, std::string bytes) {
    const auto pin = run(blobs_.put(std::move(bytes)));
    CHECK(pin.has_value());
    CHECK(run(link_blob(ecr_, repository(name), *pin)).has_value());
    return **pin;
  }
  StoredImage push(const std::string& name, const std::string& tag, const std::string& seed) {
    const host::Digest config = blob(name, "config " + seed);
    const host::Digest layer = blob(name, "layer " + seed);
    NewImage image;
    image.manifest = fmt::format(
        R"({{"schemaVersion":2,"config":{{"digest":"{}"}},"layers":[{{"digest":"{}"}}]}})",
        config.str(), layer.str());
    image.media_type = kOci;
    image.tag = tag;
    auto stored = run(put_image(ecr_, repository(name), std::move(image)));
    CHECK(stored.has_value());
    return *stored;
  }
  host::BlobStore::Swept sweep(KeptElsewhere kept = {}) {
    return run(sweep_once(ecr_, {}, std::move(kept)));
  }
  void days_pass(int days) { test_.clock.advance(hours(24 * days)); }
  bool is_there(const std::string& bytes) const {
    return blobs_.size(host::Digest::of(bytes)).has_value();
  }

  store::TestStore test_;
  SeededRandom random_{3};
  std::unique_ptr<store::Sealer> sealer_ = store::Sealer::from_key(std::string(32, 'k'), random_);
  iam::Iam iam_{*test_.store, test_.clock, random_, *sealer_};
  iam::Identities identities_{iam_};
  host::BlobStore blobs_{test_.loop, test_.clock, random_, test_.folder.path() / "blobs"};
  NoClients clients_;
  Ecr ecr_{test_.loop, *test_.store, blobs_, test_.clock, identities_, clients_, {}};
};

TEST_F(EcrSweeperTest, WhatAnImageNeedsStaysForEver) {
  push("app", "latest", "a");
  days_pass(100);
  EXPECT_EQ(sweep().blobs, 0u);
  EXPECT_TRUE(is_there("config a") && is_there("layer a"));
}

TEST_F(EcrSweeperTest, LayersWithoutAnImageGoAfterADay) {
  blob("app", "orphan");
  EXPECT_EQ(sweep().blobs, 0u);
  EXPECT_TRUE(is_there("orphan"));
  days_pass(2);
  EXPECT_EQ(sweep().blobs, 1u);
  EXPECT_FALSE(is_there("orphan"));
}

TEST_F(EcrSweeperTest, LayersThatImagesShareGoWithTheLast) {
  const auto first = push("app", "v1", "same");
  push("other", "v1", "same");
  CHECK(run(remove_images(ecr_, repository("app"), {{first.record.digest}, {}})).has_value());
  days_pass(2);
  sweep();
  EXPECT_TRUE(is_there("layer same"));
  CHECK(run(remove_images(ecr_, repository("other"), {{first.record.digest}, {}})).has_value());
  days_pass(2);
  EXPECT_EQ(sweep().blobs, 3u);  // configuration, layer, manifest
  EXPECT_FALSE(is_there("layer same"));
}

TEST_F(EcrSweeperTest, WhatOthersUseStays) {
  const auto image = push("app", "v1", "running");
  CHECK(run(remove_images(ecr_, repository("app"), {{image.record.digest}, {}})).has_value());
  days_pass(2);
  EXPECT_EQ(sweep([](const host::Digest&) { return true; }).blobs, 0u);
  EXPECT_TRUE(is_there("layer running"));
}

TEST_F(EcrSweeperTest, UploadsThatNobodyFinishesGo) {
  const auto id = blobs_.begin_upload();
  CHECK(run(blobs_.append(*id, 0, "half")).has_value());
  EXPECT_EQ(sweep().uploads, 0u);
  days_pass(2);
  EXPECT_EQ(sweep().uploads, 1u);
  EXPECT_FALSE(blobs_.upload_size(*id));
}

TEST_F(EcrSweeperTest, LifecyclePoliciesAreApplied) {
  const auto old = push("app", "v1", "one");
  days_pass(1);
  push("app", "v2", "two");
  const auto table = repositories(*test_.store, kScope);
  CHECK(run(table.update(repository_id("app"), [](RepositoryRecord& record) -> Result<bool> {
          record.lifecycle_policy = R"({"rules":[{"rulePriority":1,"action":{"type":"expire"},)"
                                    R"("selection":{"tagStatus":"any","countNumber":1,)"
                                    R"("countType":"imageCountMoreThan"}}]})";
          return true;
        })).has_value());
  sweep();
  EXPECT_FALSE(find_image(ecr_, repository("app"), old.record.digest));
  EXPECT_TRUE(digest_of_tag(ecr_, repository("app"), "v2"));
  EXPECT_FALSE(digest_of_tag(ecr_, repository("app"), "v1"));
  EXPECT_EQ(repository("app").record().lifecycle_evaluated_at, test_.clock.now());
}

TEST_F(EcrSweeperTest, ARepositoryOfTheSameNameGetsNothingOfTheOld) {
  push("app", "v1", "old");
  CHECK(run(delete_with_images(ecr_, repository("app"), true)).has_value());
  test_.clock.advance(Millis(1));
  EXPECT_FALSE(has_blob(ecr_, repository("app"), host::Digest::of("layer old")));
  days_pass(2);
  EXPECT_EQ(sweep().blobs, 3u);
}

TEST_F(EcrSweeperTest, ADeletionCutShortIsEnded) {
  push("full", "v1", "x");
  repository("empty");
  const auto table = repositories(*test_.store, kScope);
  for (const char* name : {"full", "empty"}) {
    CHECK(run(table.update(repository_id(name), [](RepositoryRecord& record) -> Result<bool> {
            record.deleting = true;
            return true;
          })).has_value());
    EXPECT_FALSE(find_repository(ecr_, kScope, name));
  }
  sweep();
  EXPECT_TRUE(find_repository(ecr_, kScope, "full"));
  EXPECT_FALSE(table.get(repository_id("empty")));
}

}  // namespace
}  // namespace landfall::ecr
