#include "host/images/blob_store.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <fstream>

namespace landfall::host {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class BlobStoreTest : public testing::Test {
 public:
  BlobStoreTest() {
    std::string name = (fs::temp_directory_path() / "lf-blobs-XXXXXX").string();
    root_ = ::mkdtemp(name.data());
    restart();
  }
  ~BlobStoreTest() override {
    blobs_.reset();
    ::umount2(root_.c_str(), MNT_DETACH);  // only FullDisk mounts there
    fs::remove_all(root_);
  }
  void restart() {
    blobs_ = std::make_unique<BlobStore>(loop_, clock_, random_, root_);
    CHECK(blobs_->open().has_value());
  }
  template <class T>
  T run(task<T> work) {
    std::optional<T> out;
    loop_.run(keep(std::move(work), out));
    return std::move(*out);
  }
  template <class T>
  static task<void> keep(task<T> work, std::optional<T>& out) {
    out.emplace(co_await std::move(work));
  }
  Result<std::string> read(const Digest& digest) { return run(blobs_->read(digest)); }
  std::string upload(std::string bytes) {
    const std::string id = *blobs_->begin_upload();
    CHECK(run(blobs_->append(id, 0, std::move(bytes))).has_value());
    return id;
  }
  std::size_t files_in(const char* folder) const {
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(root_ / folder))
      count += entry.is_regular_file();
    return count;
  }

  io::Loop loop_{2};
  FakeClock clock_{SystemClock().now()};
  SeededRandom random_{7};
  fs::path root_;
  std::unique_ptr<BlobStore> blobs_;
};

template <class T>
std::string code_of(const Result<T>& result) {
  return result ? "" : result.error().code;
}

TEST_F(BlobStoreTest, DigestsAreStrict) {
  EXPECT_TRUE(Digest::parse("sha256:" + std::string(64, 'a')));
  for (const std::string& bad :
       {std::string(), std::string("sha256:"), "sha256:" + std::string(63, 'a'),
        "sha256:" + std::string(64, 'A'), "sha512:" + std::string(64, 'a'),
        "sha256:../" + std::string(61, 'a'), std::string(64, 'a')}) {
    EXPECT_EQ(code_of(Digest::parse(bad)), "digest-invalid") << bad;
  }
}

TEST_F(BlobStoreTest, PutIsReadBackAndPublishedOnce) {
  const auto pin = run(blobs_->put("hello"));
  ASSERT_TRUE(pin);
  EXPECT_EQ((*pin)->str(),
            "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
  EXPECT_EQ(read(**pin), "hello");
  EXPECT_EQ(blobs_->size(**pin), 5u);
  EXPECT_TRUE(run(blobs_->put("hello")));
  EXPECT_EQ(files_in("blobs"), 1u);
  EXPECT_EQ(files_in("uploads"), 0u);
  EXPECT_EQ(code_of(run(blobs_->read(**pin, 4))), "blob-too-large");
  EXPECT_EQ(code_of(read(Digest::of("other"))), "blob-unknown");
}

TEST_F(BlobStoreTest, UploadsAreSequential) {
  const std::string id = *blobs_->begin_upload();
  EXPECT_EQ(run(blobs_->append(id, 0, "hel")), 3u);
  EXPECT_EQ(code_of(run(blobs_->append(id, 5, "lo"))), "upload-range");
  EXPECT_EQ(code_of(run(blobs_->append(id, 0, "hel"))), "upload-range");
  EXPECT_EQ(run(blobs_->append(id, 3, "lo")), 5u);
  EXPECT_EQ(blobs_->upload_size(id), 5u);
  EXPECT_EQ(code_of(run(blobs_->finish(id, Digest::of("hallo")))), "digest-mismatch");
  EXPECT_TRUE(run(blobs_->finish(id, Digest::of("hello"))));
  EXPECT_EQ(read(Digest::of("hello")), "hello");
  EXPECT_EQ(code_of(blobs_->upload_size(id)), "upload-unknown");
}

TEST_F(BlobStoreTest, UploadsResumeAfterARestart) {
  const std::string id = upload(std::string(3 << 20, 'a'));
  restart();
  EXPECT_EQ(blobs_->upload_size(id), 3u << 20);
  EXPECT_TRUE(run(blobs_->append(id, 3 << 20, "b")));
  EXPECT_TRUE(run(blobs_->finish(id, Digest::of(std::string(3 << 20, 'a') + "b"))));
}

TEST_F(BlobStoreTest, OneWriterAtATime) {
  const std::string id = *blobs_->begin_upload();
  std::vector<Result<std::uint64_t>> results;
  auto writer = [](BlobStoreTest& t, std::string upload,
                   std::vector<Result<std::uint64_t>>& out) -> task<void> {
    out.push_back(co_await t.blobs_->append(upload, 0, "x"));
  };
  auto both = [&](BlobStoreTest& t) -> task<void> {
    io::TaskScope scope(t.loop_);
    scope.spawn("a", writer(t, id, results));
    scope.spawn("b", writer(t, id, results));
    co_await scope.join();
  };
  loop_.run(both(*this));
  ASSERT_EQ(results.size(), 2u);
  EXPECT_EQ(code_of(results[0]), "upload-busy");
  EXPECT_EQ(results[1], 1u);
}

TEST_F(BlobStoreTest, IdsCannotLeaveTheFolder) {
  std::ofstream(root_ / "secret") << "x";
  for (const char* id :
       {"../secret", "", ".", "../../etc/passwd", "00000000-0000-0000-0000-00000000000/"}) {
    EXPECT_EQ(code_of(blobs_->upload_size(id)), "upload-unknown") << id;
    EXPECT_TRUE(blobs_->abort(id));
  }
  EXPECT_TRUE(fs::exists(root_ / "secret"));
}

TEST_F(BlobStoreTest, AbortForgets) {
  const std::string id = upload("x");
  EXPECT_TRUE(blobs_->abort(id));
  EXPECT_TRUE(blobs_->abort(id));
  EXPECT_EQ(files_in("uploads"), 0u);
  EXPECT_EQ(code_of(run(blobs_->append(id, 1, "y"))), "upload-unknown");
}

TEST_F(BlobStoreTest, SweepKeepsWhatIsReferencedPinnedOrYoung) {
  const Digest kept = **run(blobs_->put("referenced"));
  const BlobPin pinned = *run(blobs_->put("pinned"));
  const Digest garbage = **run(blobs_->put("garbage"));
  const std::string old_upload = upload("old");
  const auto only_kept = [&](const Digest& digest) { return digest == kept; };

  auto swept = run(blobs_->sweep(only_kept, 1h, 24h));
  EXPECT_EQ(swept->blobs, 0u);  // all young
  clock_.advance(2h);
  swept = run(blobs_->sweep(only_kept, 1h, 24h));
  EXPECT_EQ(swept->blobs, 1u);
  EXPECT_EQ(swept->bytes, 7u);
  EXPECT_FALSE(blobs_->size(garbage));
  EXPECT_TRUE(blobs_->size(kept));
  EXPECT_TRUE(blobs_->size(*pinned));
  EXPECT_TRUE(blobs_->upload_size(old_upload));

  clock_.advance(24h);
  swept = run(blobs_->sweep(only_kept, 1h, 24h));
  EXPECT_EQ(swept->uploads, 1u);
  EXPECT_EQ(files_in("uploads"), 0u);
  EXPECT_EQ(files_in("trash"), 0u);
}

TEST_F(BlobStoreTest, AnOpenBlobOutlivesTheSweep) {
  const Digest digest = **run(blobs_->put("hello"));
  const auto fd = blobs_->open_blob(digest);
  clock_.advance(2h);
  EXPECT_EQ(run(blobs_->sweep([](const Digest&) { return false; }, 1h, 1h))->blobs, 1u);
  EXPECT_EQ(run(blobs_->read_at(*fd, 1, 100)), "ello");
}

TEST_F(BlobStoreTest, TrashLeftByACrashIsEmptied) {
  std::ofstream(root_ / "trash" / "left") << "x";
  restart();
  EXPECT_EQ(files_in("trash"), 0u);
}

// A full disk is an error of that call; what was there stays, and there is room again after an
// abort.
TEST_F(BlobStoreTest, FullDisk) {
  if (::geteuid() != 0) GTEST_SKIP() << "mounting a small file system needs root";
  ASSERT_EQ(::mount("tmpfs", root_.c_str(), "tmpfs", 0, "size=1m"), 0);
  restart();
  const Digest small = **run(blobs_->put("small"));
  const std::string id = upload(std::string(600 << 10, 'x'));
  EXPECT_EQ(code_of(run(blobs_->append(id, 600 << 10, std::string(1 << 20, 'y')))), "disk-full");
  EXPECT_EQ(blobs_->upload_size(id), 600u << 10);
  EXPECT_EQ(code_of(run(blobs_->put(std::string(900 << 10, 'z')))), "disk-full");
  EXPECT_EQ(read(small), "small");
  EXPECT_EQ(files_in("uploads"), 1u);
  EXPECT_TRUE(blobs_->abort(id));
  EXPECT_TRUE(run(blobs_->put(std::string(900 << 10, 'z'))));
}

}  // namespace
}  // namespace landfall::host
