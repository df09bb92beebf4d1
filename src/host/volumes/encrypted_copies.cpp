// Snapshots under another key, and whether this machine can encrypt at all: both work on images
// that are mounted for a moment below copies/.
#include "base/log.h"
#include "base/random.h"
#include "host/volumes/encryption.h"
#include "host/volumes/images.h"
#include "host/volumes/volumes.h"
#include "io/files.h"
#include "io/process.h"

namespace landfall::host {
namespace fs = std::filesystem;
namespace {

constexpr Millis kFilesTimeout = std::chrono::hours(1);
constexpr std::uint64_t kMiB = 1 << 20;
// Encrypted names are padded, so folders may grow a little: a full source must still fit.
constexpr std::uint64_t kExtraRoom = 16 * kMiB;

}  // namespace

task<void> Volumes::end_copy(fs::path folder) {
  for (const char* side : {"from", "to"}) {
    const fs::path mounted = folder / side;
    std::error_code ignored;
    // Mounted twice by a crash and its repetition, it must be unmounted twice.
    for (int count = 0; count < 8 && fs::exists(mounted, ignored); ++count) {
      auto done = co_await io::run_command(loop_, {{"umount", mounted}});
      if (!done || !done->ok()) break;
    }
    drop(mounted);
  }
  drop(folder);
}

task<void> Volumes::end_copies() {
  std::vector<fs::path> left;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(root_ / "copies", ignored))
    left.push_back(entry.path());
  for (const fs::path& entry : left) {
    if (entry.extension() == ".img") {
      drop(entry);
    } else {
      co_await end_copy(entry);
    }
  }
}

task<Result<void>> Volumes::copy_files(fs::path from_image, std::string from_key, fs::path to_image,
                                       std::string to_key, fs::path folder) {
  const fs::path from = folder / "from", to = folder / "to";
  for (const fs::path& each : {from, to}) LF_CO_OK(io::make_directories(each, 0700));
  LF_CO_OK(co_await io::check_command(
      loop_, {{"mount", "-o", "loop,ro,noatime,nosuid,nodev", from_image, from}}));
  LF_CO_OK(co_await io::check_command(
      loop_, {{"mount", "-o", "loop,noatime,nosuid,nodev", to_image, to}}));
  fs::path source = from;
  if (!from_key.empty()) {
    LF_CO_TRY(opened, open_encrypted(from, from_key));
    source = opened;
  }
  LF_CO_TRY(target, open_encrypted(to, to_key));
  io::Command copy{
      {"cp", "--archive", "--sparse=always", "--reflink=never", source.string() + "/.", target}};
  copy.timeout = kFilesTimeout;
  LF_CO_OK(co_await io::check_command(loop_, std::move(copy)));
  drop(target / "lost+found");  // of an unencrypted source; empty
  co_return Result<void>();
}

task<Result<void>> Volumes::encrypt_snapshot(std::string from, std::string from_key, std::string to,
                                             std::string to_key) {
  if (snapshot_exists(to)) co_return Result<void>();
  if (!snapshot_exists(from)) co_return fail("not-found", "no snapshot " + from, 404);
  std::error_code error;
  const std::uint64_t size = fs::file_size(snapshot_image(from), error) + kExtraRoom;
  const fs::path folder = root_ / "copies" / to;
  co_await end_copy(folder);  // what an interrupted attempt left
  const fs::path half = root_ / "copies" / (to + ".img");
  drop(half);
  Result<void> done = co_await format(half, size, {.encrypted = true});
  if (done) {
    done = co_await copy_files(snapshot_image(from), std::move(from_key), half, std::move(to_key),
                               folder);
  }
  co_await end_copy(folder);
  if (done) {
    const fs::path image = snapshot_image(to);
    done = co_await loop_.run_blocking([half, image] { return publish(half, image); });
  }
  if (!done) {
    drop(half);
    co_return std::unexpected(volume_error(done.error()));
  }
  co_return done;
}

task<Result<void>> Volumes::try_encryption(fs::path folder, fs::path small) {
  LF_CO_OK(co_await format(small, 16 * kMiB, {.encrypted = true}));
  const fs::path mounted = folder / "to";
  LF_CO_OK(io::make_directories(mounted, 0700));
  LF_CO_OK(co_await io::check_command(loop_, {{"mount", "-o", "loop", small, mounted}}));
  std::string key(kVolumeKeyBytes, '\0');
  SystemRandom random;
  random.fill({reinterpret_cast<unsigned char*>(key.data()), key.size()});
  LF_CO_TRY(inside, open_encrypted(mounted, key));
  // The ciphers are looked for when the first file is written.
  LF_CO_OK(io::write_file(inside / "probe", "written and read"));
  LF_CO_TRY(read, io::read_file(inside / "probe"));
  if (read != "written and read")
    co_return fail("volume-failed", "the probe reads back wrong", 500);
  co_return Result<void>();
}

task<Result<void>> Volumes::probe_encryption() {
  if (!encrypts_) {
    LF_CO_OK(io::make_directories(root_ / "copies", 0700));
    // Two may ask at the same time.
    const std::string name = fmt::format("probe-{}", probes_++);
    const fs::path folder = root_ / "copies" / name, small = root_ / "copies" / (name + ".img");
    Result<void> tried = co_await try_encryption(folder, small);
    co_await end_copy(folder);
    drop(small);
    if (!tried) {
      log::warning("volumes", "no encrypted volumes here: {}", tried.error().message);
      tried = fail("encryption-unavailable",
                   "this machine cannot encrypt volumes (ext4 with CONFIG_FS_ENCRYPTION is "
                   "needed): " +
                       tried.error().message,
                   500);
    }
    encrypts_ = std::move(tried);
  }
  co_return *encrypts_;
}

}  // namespace landfall::host
