#include "store/patient_files.h"

#include <chrono>
#include <thread>

namespace landfall::store {
namespace {

using rocksdb::IOStatus;

constexpr std::chrono::milliseconds kPause(50);

// Writes at offsets of its own: an append that failed halfway is done again from its beginning.
class PatientFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  PatientFile(std::unique_ptr<rocksdb::FSWritableFile> file, std::uint64_t size,
              const std::atomic<bool>& given_up)
      : rocksdb::FSWritableFileOwnerWrapper(std::move(file)), end_(size), given_up_(given_up) {}

  IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                  rocksdb::IODebugContext* debug) override {
    while (true) {
      const IOStatus status =
          rocksdb::FSWritableFileOwnerWrapper::PositionedAppend(data, end_, options, debug);
      if (status.ok()) end_ += data.size();
      if (!status.IsNoSpace() || given_up_) return status;
      std::this_thread::sleep_for(kPause);
    }
  }
  IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                  const rocksdb::DataVerificationInfo&, rocksdb::IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Truncate(std::uint64_t size, const rocksdb::IOOptions& options,
                    rocksdb::IODebugContext* debug) override {
    const IOStatus status = rocksdb::FSWritableFileOwnerWrapper::Truncate(size, options, debug);
    if (status.ok()) end_ = size;
    return status;
  }

 private:
  std::uint64_t end_;
  const std::atomic<bool>& given_up_;
};

}  // namespace

IOStatus PatientFiles::NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* file,
                                       rocksdb::IODebugContext* debug) {
  const IOStatus status = target()->NewWritableFile(path, options, file, debug);
  if (status.ok()) *file = std::make_unique<PatientFile>(std::move(*file), 0, given_up_);
  return status;
}

IOStatus PatientFiles::ReopenWritableFile(const std::string& path,
                                          const rocksdb::FileOptions& options,
                                          std::unique_ptr<rocksdb::FSWritableFile>* file,
                                          rocksdb::IODebugContext* debug) {
  std::uint64_t size = 0;
  if (IOStatus known = target()->GetFileSize(path, options.io_options, &size, debug); !known.ok()) {
    size = 0;
  }
  const IOStatus status = target()->ReopenWritableFile(path, options, file, debug);
  if (status.ok()) *file = std::make_unique<PatientFile>(std::move(*file), size, given_up_);
  return status;
}

IOStatus PatientFiles::ReuseWritableFile(const std::string& path, const std::string& old_path,
                                         const rocksdb::FileOptions& options,
                                         std::unique_ptr<rocksdb::FSWritableFile>* file,
                                         rocksdb::IODebugContext* debug) {
  const IOStatus status = target()->ReuseWritableFile(path, old_path, options, file, debug);
  if (status.ok()) *file = std::make_unique<PatientFile>(std::move(*file), 0, given_up_);
  return status;
}

}  // namespace landfall::store
