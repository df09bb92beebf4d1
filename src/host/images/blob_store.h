// Content-addressed files: what registries receive and containers are unpacked from. A blob is
// there whole, verified and durable, or not at all.
//
//   ROOT/blobs/sha256/ab/abcd...   the blobs, read only
//   ROOT/uploads/<id>              bytes received so far of an unfinished upload
//   ROOT/trash/                    blobs being removed; emptied at open()
//
// All calls come from the loop's thread; disk work runs on its blocking pool. The store knows
// nothing of who refers to a blob: sweep() asks.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/random.h"
#include "host/images/digest.h"
#include "io/files.h"
#include "io/loop.h"

namespace landfall::host {

// Keeps a blob from being swept while it lives: hold one from the moment a blob is found or
// finished until the record that refers to it is committed. Copyable.
using BlobPin = std::shared_ptr<const Digest>;

class BlobStore {
 public:
  BlobStore(io::Loop& loop, const Clock& clock, Random& random, std::filesystem::path root);
  ~BlobStore();
  BlobStore(const BlobStore&) = delete;

  // Makes the folders and finishes removals that a crash cut short. Unfinished uploads stay
  // resumable.
  Result<void> open();

  // The blob's file. It may be opened and read directly; an open file outlives a sweep.
  std::filesystem::path path(const Digest& digest) const;
  // Absent when there is no such blob.
  std::optional<std::uint64_t> size(const Digest& digest) const;
  BlobPin pin(const Digest& digest);

  // A whole small blob (manifest, configuration). Errors: "blob-unknown" (404), "blob-too-large".
  task<Result<std::string>> read(Digest digest, std::size_t limit = 8 << 20);
  // Opens for streaming. Error "blob-unknown" (404).
  Result<io::Fd> open_blob(const Digest& digest) const;
  // Up to `length` bytes at `offset`; empty at the end.
  task<Result<std::string>> read_at(const io::Fd& file, std::uint64_t offset, std::size_t length);

  // Stores small bytes at once. Error "disk-full" (507).
  task<Result<BlobPin>> put(std::string bytes);

  // --- Uploads: sequential, resumable after a restart.
  Result<std::string> begin_upload();
  // Bytes on disk so far. Error "upload-unknown" (404).
  Result<std::uint64_t> upload_size(const std::string& id);
  // Appends at `offset`, which must be the size so far: else "upload-range" (416). One call at a
  // time for an upload: else "upload-busy" (409). Gives the new size. Errors: "upload-unknown",
  // "disk-full"; after an error the upload holds what it held before.
  task<Result<std::uint64_t>> append(std::string id, std::uint64_t offset, std::string bytes);
  // Verifies, syncs and publishes; the upload is gone afterwards. Errors: "digest-mismatch" (the
  // upload stays), "upload-unknown", "upload-busy", "disk-full".
  task<Result<BlobPin>> finish(std::string id, Digest expected);
  // Absent is success.
  Result<void> abort(const std::string& id);

  struct Swept {
    std::size_t blobs = 0;
    std::size_t uploads = 0;
    std::uint64_t bytes = 0;
  };
  // Removes blobs older than `age` that nobody pins and `referenced` does not claim, and uploads
  // untouched for `upload_age`. `referenced` is asked right before each removal, with no task
  // switch in between, so a reference that is committed under a pin is never missed.
  task<Result<Swept>> sweep(std::function<bool(const Digest&)> referenced, Millis age,
                            Millis upload_age);

 private:
  struct Upload;
  std::filesystem::path upload_path(const std::string& id) const;
  Result<std::shared_ptr<Upload>> find_upload(const std::string& id);
  bool pinned(const Digest& digest) const;

  io::Loop& loop_;
  const Clock& clock_;
  Random& random_;
  std::filesystem::path root_;
  std::map<std::string, std::shared_ptr<Upload>> uploads_;
  std::map<std::string, std::weak_ptr<const Digest>> pins_;
  std::uint64_t trash_counter_ = 0;
};

}  // namespace landfall::host
