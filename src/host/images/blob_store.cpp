#include "host/images/blob_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

namespace landfall::host {
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kHashPiece = 1 << 20;
// Written bytes start towards the disk this often, so that the sync at the end is short.
constexpr std::uint64_t kWritebackEvery = 8 << 20;

Error disk_error(std::string_view what, int error) {
  if (error == ENOSPC || error == EDQUOT) {
    return Error{"disk-full", fmt::format("{}: no space left on the disk", what), 507};
  }
  return fail_errno(what, error).error();
}

Result<void> write_at(int fd, std::string_view bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::unexpected(disk_error("write a blob", errno));
    bytes.remove_prefix(static_cast<std::size_t>(count));
    offset += static_cast<std::uint64_t>(count);
  }
  return {};
}

Result<std::string> read_some(int fd, std::uint64_t offset, std::size_t length) {
  std::string out;
  int error = 0;
  out.resize_and_overwrite(length, [&](char* data, std::size_t size) {
    std::size_t filled = 0;
    while (filled < size) {
      const ssize_t count =
          ::pread(fd, data + filled, size - filled, static_cast<off_t>(offset + filled));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) error = errno;
      if (count <= 0) break;
      filled += static_cast<std::size_t>(count);
    }
    return filled;
  });
  if (error != 0) return fail_errno("read a blob", error);
  return out;
}

Result<std::uint64_t> file_size(int fd) {
  struct stat facts{};
  if (::fstat(fd, &facts) < 0) return fail_errno("size of an upload", errno);
  return static_cast<std::uint64_t>(facts.st_size);
}

// Makes an already written file the blob: durable first, then visible.
Result<void> publish(int fd, const fs::path& from, const fs::path& to) {
  if (::fchmod(fd, 0444) < 0 || ::futimens(fd, nullptr) < 0)
    return fail_errno("publish a blob", errno);
  if (::fsync(fd) < 0) return std::unexpected(disk_error("sync a blob", errno));
  if (::mkdir(to.parent_path().c_str(), 0755) == 0) {
    LF_OK(io::sync_directory(to.parent_path().parent_path()));
  } else if (errno != EEXIST) {
    return std::unexpected(disk_error("make a blob folder", errno));
  }
  if (::rename(from.c_str(), to.c_str()) < 0)
    return std::unexpected(disk_error("publish a blob", errno));
  return io::sync_directory(to.parent_path());
}

bool is_there(const fs::path& path) { return ::access(path.c_str(), F_OK) == 0; }

bool is_upload_id(std::string_view id) {
  return id.size() == 36 && id.find_first_not_of("0123456789abcdef-") == std::string_view::npos;
}

TimePoint modified(const struct stat& facts) {
  return from_unix_ms(facts.st_mtim.tv_sec * 1000 + facts.st_mtim.tv_nsec / 1'000'000);
}

struct Found {
  std::string name;
  std::uint64_t bytes;
  TimePoint changed;
};

std::vector<Found> list_files(const fs::path& folder) {
  std::vector<Found> out;
  std::error_code error;
  for (auto it = fs::recursive_directory_iterator(folder, error); !error && it != fs::end(it);
       it.increment(error)) {
    struct stat facts{};
    if (::lstat(it->path().c_str(), &facts) < 0 || !S_ISREG(facts.st_mode)) continue;
    out.push_back({it->path().filename().string(), static_cast<std::uint64_t>(facts.st_size),
                   modified(facts)});
  }
  return out;
}

}  // namespace

// Touched by one pool job at a time: `busy` is set on the loop around each.
struct BlobStore::Upload {
  io::Fd fd;
  std::uint64_t size = 0;
  Sha256 hash;
  std::uint64_t hashed = 0;  // after a restart less than size
  std::uint64_t written_back = 0;
  bool busy = false;

  // Catches up with bytes written by an earlier process.
  Result<void> hash_rest() {
    while (hashed < size) {
      LF_TRY(
          piece,
          read_some(fd.get(), hashed,
                    static_cast<std::size_t>(std::min<std::uint64_t>(kHashPiece, size - hashed))));
      if (piece.empty()) return fail("blob-lost", "an upload's file is shorter than it was", 500);
      hash.update(piece);
      hashed += piece.size();
    }
    return {};
  }
  Result<void> append(std::string_view bytes) {
    LF_OK(hash_rest());
    if (auto written = write_at(fd.get(), bytes, size); !written) {
      if (::ftruncate(fd.get(), static_cast<off_t>(size)) < 0)
        return fail_errno("undo a write", errno);
      return written;
    }
    hash.update(bytes);
    size += bytes.size();
    hashed = size;
    if (size - written_back >= kWritebackEvery) {
      ::sync_file_range(fd.get(), static_cast<off_t>(written_back),
                        static_cast<off_t>(size - written_back), SYNC_FILE_RANGE_WRITE);
      written_back = size;
    }
    return {};
  }
};

namespace {

struct BusyMark {
  explicit BusyMark(bool& busy_in) : busy(busy_in) { busy = true; }
  ~BusyMark() { busy = false; }
  bool& busy;
};

}  // namespace

BlobStore::BlobStore(io::Loop& loop, const Clock& clock, Random& random, fs::path root)
    : loop_(loop), clock_(clock), random_(random), root_(std::move(root)) {}
BlobStore::~BlobStore() = default;

Result<void> BlobStore::open() {
  LF_OK(io::remove_tree(root_ / "trash"));
  for (const char* folder : {"blobs/sha256", "uploads", "trash"})
    LF_OK(io::make_directories(root_ / folder));
  return io::sync_directory(root_);
}

fs::path BlobStore::path(const Digest& digest) const {
  return root_ / "blobs" / "sha256" / digest.hex().substr(0, 2) / digest.hex();
}
fs::path BlobStore::upload_path(const std::string& id) const { return root_ / "uploads" / id; }

std::optional<std::uint64_t> BlobStore::size(const Digest& digest) const {
  struct stat facts{};
  if (::stat(path(digest).c_str(), &facts) < 0) return {};
  return static_cast<std::uint64_t>(facts.st_size);
}

BlobPin BlobStore::pin(const Digest& digest) {
  std::weak_ptr<const Digest>& slot = pins_[digest.hex()];
  BlobPin held = slot.lock();
  if (!held) slot = held = std::make_shared<const Digest>(digest);
  return held;
}

bool BlobStore::pinned(const Digest& digest) const {
  const auto found = pins_.find(digest.hex());
  return found != pins_.end() && !found->second.expired();
}

Result<io::Fd> BlobStore::open_blob(const Digest& digest) const {
  io::Fd fd(::open(path(digest).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd && errno == ENOENT)
    return fail("blob-unknown", fmt::format("there is no blob {}", digest.str()), 404);
  if (!fd) return fail_errno("open blob " + digest.str(), errno);
  return std::move(fd);
}

task<Result<std::string>> BlobStore::read(Digest digest, std::size_t limit) {
  LF_CO_TRY(fd, open_blob(digest));
  LF_CO_TRY(size, file_size(fd.get()));
  if (size > limit)
    co_return fail("blob-too-large", fmt::format("{} is larger than {} bytes", digest.str(), limit),
                   500);
  co_return co_await read_at(fd, 0, static_cast<std::size_t>(size));
}

task<Result<std::string>> BlobStore::read_at(const io::Fd& file, std::uint64_t offset,
                                             std::size_t length) {
  const int fd = file.get();
  co_return co_await loop_.run_blocking(
      [fd, offset, length] { return read_some(fd, offset, length); });
}

task<Result<BlobPin>> BlobStore::put(std::string bytes) {
  const Digest digest = Digest::of(bytes);
  BlobPin held = pin(digest);
  const fs::path from = upload_path(random_.uuid());
  const fs::path to = path(digest);
  auto stored = co_await loop_.run_blocking([from, to, bytes = std::move(bytes)]() -> Result<void> {
    if (is_there(to)) return {};
    const io::Fd fd(::open(from.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd) return std::unexpected(disk_error("store a blob", errno));
    auto done = write_at(fd.get(), bytes, 0);
    if (done) done = publish(fd.get(), from, to);
    if (!done) ::unlink(from.c_str());
    return done;
  });
  if (!stored) co_return std::unexpected(std::move(stored).error());
  co_return held;
}

Result<std::string> BlobStore::begin_upload() {
  const std::string id = random_.uuid();
  auto upload = std::make_shared<Upload>();
  upload->fd = io::Fd(::open(upload_path(id).c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!upload->fd) return std::unexpected(disk_error("begin an upload", errno));
  uploads_[id] = std::move(upload);
  return id;
}

Result<std::shared_ptr<BlobStore::Upload>> BlobStore::find_upload(const std::string& id) {
  if (const auto found = uploads_.find(id); found != uploads_.end()) return found->second;
  const auto unknown = [&] { return fail("upload-unknown", "there is no such upload", 404); };
  if (!is_upload_id(id)) return unknown();
  auto upload = std::make_shared<Upload>();
  upload->fd = io::Fd(::open(upload_path(id).c_str(), O_RDWR | O_CLOEXEC));
  if (!upload->fd && errno == ENOENT) return unknown();
  if (!upload->fd) return fail_errno("open an upload", errno);
  LF_TRY(size, file_size(upload->fd.get()));
  upload->size = size;
  uploads_[id] = upload;
  return upload;
}

Result<std::uint64_t> BlobStore::upload_size(const std::string& id) {
  LF_TRY(upload, find_upload(id));
  return upload->size;
}

namespace {
std::unexpected<Error> busy_upload() {
  return fail("upload-busy", "another request is writing this upload", 409);
}
}  // namespace

task<Result<std::uint64_t>> BlobStore::append(std::string id, std::uint64_t offset,
                                              std::string bytes) {
  LF_CO_TRY(found, find_upload(id));
  const std::shared_ptr<Upload> upload = found;
  if (upload->busy) co_return busy_upload();
  if (offset != upload->size) {
    co_return fail("upload-range", fmt::format("the upload continues at byte {}", upload->size),
                   416);
  }
  if (bytes.empty()) co_return upload->size;
  const BusyMark busy(upload->busy);
  auto done = co_await loop_.run_blocking(
      [upload, bytes = std::move(bytes)] { return upload->append(bytes); });
  if (!done) co_return std::unexpected(std::move(done).error());
  co_return upload->size;
}

task<Result<BlobPin>> BlobStore::finish(std::string id, Digest expected) {
  LF_CO_TRY(found, find_upload(id));
  const std::shared_ptr<Upload> upload = found;
  if (upload->busy) co_return busy_upload();
  const BusyMark busy(upload->busy);
  BlobPin held = pin(expected);
  const fs::path from = upload_path(id);
  const fs::path to = path(expected);
  auto done = co_await loop_.run_blocking([upload, expected, from, to]() -> Result<void> {
    LF_OK(upload->hash_rest());
    const std::string actual = upload->hash.finish_hex();
    // The hash can be asked once: another finish() reads the file again.
    upload->hash = Sha256();
    upload->hashed = 0;
    if (actual != expected.hex()) {
      return fail("digest-mismatch",
                  fmt::format("the content has digest sha256:{}, not {}", actual, expected.str()));
    }
    if (!is_there(to)) return publish(upload->fd.get(), from, to);
    if (::unlink(from.c_str()) < 0) return fail_errno("remove an upload", errno);
    return {};
  });
  if (!done) co_return std::unexpected(std::move(done).error());
  uploads_.erase(id);
  co_return held;
}

Result<void> BlobStore::abort(const std::string& id) {
  if (!is_upload_id(id)) return {};
  if (const auto found = uploads_.find(id); found != uploads_.end()) {
    if (found->second->busy) return busy_upload();
    uploads_.erase(found);
  }
  if (::unlink(upload_path(id).c_str()) < 0 && errno != ENOENT)
    return fail_errno("remove an upload", errno);
  return {};
}

task<Result<BlobStore::Swept>> BlobStore::sweep(std::function<bool(const Digest&)> referenced,
                                                Millis age, Millis upload_age) {
  Swept swept;
  const fs::path blobs = root_ / "blobs";
  const fs::path uploads = root_ / "uploads";
  const std::vector<Found> candidates =
      co_await loop_.run_blocking([blobs] { return list_files(blobs); });
  int asked = 0;
  std::vector<fs::path> removed;
  for (const Found& blob : candidates) {
    // Lets requests in between: a store may hold very many blobs.
    if (++asked % 64 == 0) co_await loop_.yield();
    const auto digest = Digest::parse("sha256:" + blob.name);
    if (!digest || clock_.now() - blob.changed < age || pinned(*digest) || referenced(*digest))
      continue;
    // No task switch since the questions, so nobody can have found the blob in between.
    const fs::path trash = root_ / "trash" / fmt::format("{}-{}", blob.name, ++trash_counter_);
    if (::rename(path(*digest).c_str(), trash.c_str()) < 0) continue;
    removed.push_back(trash);
    ++swept.blobs;
    swept.bytes += blob.bytes;
  }
  const std::vector<Found> unfinished =
      co_await loop_.run_blocking([uploads] { return list_files(uploads); });
  for (const Found& upload : unfinished) {
    if (clock_.now() - upload.changed < upload_age) continue;
    if (abort(upload.name)) {
      ++swept.uploads;
      swept.bytes += upload.bytes;
    }
  }
  co_await loop_.run_blocking([removed] {
    for (const fs::path& path : removed) ::unlink(path.c_str());
  });
  std::erase_if(pins_, [](const auto& entry) { return entry.second.expired(); });
  co_return swept;
}

}  // namespace landfall::host
