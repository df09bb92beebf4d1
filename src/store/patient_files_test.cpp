#include "store/patient_files.h"

#include <gtest/gtest.h>

#include "io/files.h"
#include "store/testing.h"

namespace landfall::store {
namespace {

// A disk that takes half of a write and then none, as a full one does, a few times.
class FullFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FullFile(std::unique_ptr<rocksdb::FSWritableFile> file, int& refusals)
      : rocksdb::FSWritableFileOwnerWrapper(std::move(file)), refusals_(refusals) {}
  rocksdb::IOStatus PositionedAppend(const rocksdb::Slice& data, std::uint64_t offset,
                                     const rocksdb::IOOptions& options,
                                     rocksdb::IODebugContext* debug) override {
    if (refusals_ == 0) {
      return FSWritableFileOwnerWrapper::PositionedAppend(data, offset, options, debug);
    }
    --refusals_;
    const rocksdb::Slice half(data.data(), data.size() / 2);
    EXPECT_TRUE(FSWritableFileOwnerWrapper::PositionedAppend(half, offset, options, debug).ok());
    return rocksdb::IOStatus::NoSpace("full");
  }

 private:
  int& refusals_;
};

class FullDisk final : public rocksdb::FileSystemWrapper {
 public:
  explicit FullDisk(int& refusals)
      : rocksdb::FileSystemWrapper(rocksdb::FileSystem::Default()), refusals_(refusals) {}
  const char* Name() const override { return "FullDisk"; }
  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override {
    auto status = target()->NewWritableFile(path, options, file, debug);
    if (status.ok()) *file = std::make_unique<FullFile>(std::move(*file), refusals_);
    return status;
  }

 private:
  int& refusals_;
};

TEST(PatientFiles, AWriteWithoutSpaceIsDoneOnceThereIsSome) {
  store::TemporaryFolder folder;
  int refusals = 0;
  PatientFiles files(std::make_shared<FullDisk>(refusals));
  std::unique_ptr<rocksdb::FSWritableFile> file;
  const std::string path = (folder.path() / "log").string();
  ASSERT_TRUE(files.NewWritableFile(path, {}, &file, nullptr).ok());
  ASSERT_TRUE(file->Append("first,", {}, nullptr).ok());
  refusals = 1;
  ASSERT_TRUE(file->Append("second,", {}, nullptr).ok());
  ASSERT_TRUE(file->Append("third", {}, nullptr).ok());
  ASSERT_TRUE(file->Close({}, nullptr).ok());
  EXPECT_EQ(refusals, 0);
  EXPECT_EQ(*io::read_file(path), "first,second,third");
}

TEST(PatientFiles, AWaitEndsWithTheServer) {
  store::TemporaryFolder folder;
  int refusals = 1'000'000;
  PatientFiles files(std::make_shared<FullDisk>(refusals));
  std::unique_ptr<rocksdb::FSWritableFile> file;
  ASSERT_TRUE(files.NewWritableFile((folder.path() / "log").string(), {}, &file, nullptr).ok());
  files.give_up();
  EXPECT_TRUE(file->Append("x", {}, nullptr).IsNoSpace());
}

}  // namespace
}  // namespace landfall::store
