#include "host/images/layer_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/images/layer_unpack.h"
#include "io/files.h"

namespace landfall::host {
namespace fs = std::filesystem;
namespace {

// More would keep the pool's threads from the store, which commits on them.
constexpr std::size_t kUnpackAtOnce = 2;
constexpr std::string_view kPartial = "partial-";

// On the pool: unpack beside, make it durable, put it in its place.
Result<void> unpack(const fs::path& archive, const fs::path& partial, const fs::path& target,
                    const Digest& diff_id, std::uint32_t id_shift) {
  const auto run = [&]() -> Result<void> {
    LF_OK(io::make_directories(partial, 0755));
    if (id_shift && ::chown(partial.c_str(), id_shift, id_shift) < 0) {
      return fail_errno("chown " + partial.string(), errno);
    }
    LF_TRY(digest, unpack_layer(archive, partial, id_shift));
    if (digest != diff_id) {
      return fail("image-invalid",
                  fmt::format("the image is invalid: a layer's contents are {}, but its "
                              "configuration says {}",
                              digest.str(), diff_id.str()));
    }
    const io::Fd folder(::open(partial.c_str(), O_DIRECTORY | O_RDONLY | O_CLOEXEC));
    if (!folder || ::syncfs(folder.get()) < 0) {
      if (errno == ENOSPC) return fail("disk-full", "the disk is full", 507);
      return fail_errno("sync " + partial.string(), errno);
    }
    std::error_code error;
    fs::rename(partial, target, error);
    if (error) return fail_errno("rename " + partial.string(), error.value());
    return io::sync_directory(target.parent_path());
  };
  auto done = run();
  if (!done) {
    // Nothing half-made stays; should even this fail, open() does it.
    if (auto removed = io::remove_tree(partial); !removed) return done;
  }
  return done;
}

}  // namespace

Result<void> LayerStore::open() {
  // Files in layers belong to container ids as they are, set-user-id programs among them: no other
  // user may enter.
  LF_OK(io::make_directories(root_, 0700));
  if (::chmod(root_.c_str(), 0700) < 0) return fail_errno("chmod " + root_.string(), errno);
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root_, error)) {
    if (entry.path().filename().string().starts_with(kPartial)) {
      LF_OK(io::remove_tree(entry.path()));
    }
  }
  if (error) return fail_errno("read " + root_.string(), error.value());
  return {};
}

std::string LayerStore::name(const Digest& diff_id) const {
  return id_shift_ ? fmt::format("{}-{}", diff_id.hex(), id_shift_) : diff_id.hex();
}

LayerPin LayerStore::pin(const std::string& name) {
  std::weak_ptr<const std::string>& slot = pins_[name];
  LayerPin held = slot.lock();
  if (!held) slot = held = std::make_shared<const std::string>(name);
  return held;
}

bool LayerStore::pinned(const std::string& name) const {
  const auto found = pins_.find(name);
  return found != pins_.end() && !found->second.expired();
}

task<Result<LayerPin>> LayerStore::ensure(Digest diff_id, fs::path archive) {
  const std::string layer = name(diff_id);
  LayerPin held = pin(layer);
  for (;;) {
    std::error_code ignored;
    if (fs::exists(path(layer), ignored)) co_return held;
    if (!unpacking_.contains(layer) && unpacking_.size() < kUnpackAtOnce) break;
    co_await changed_.wait();
  }
  unpacking_.insert(layer);
  // What is captured must outlive a cancelled caller, so it is copied.
  auto done = co_await loop_.run_blocking(
      [archive, partial = root_ / fmt::format("{}{}-{}", kPartial, layer, ++counter_),
       target = path(layer), diff_id,
       shift = id_shift_] { return unpack(archive, partial, target, diff_id, shift); });
  unpacking_.erase(layer);
  changed_.notify_all();
  if (!done) co_return std::unexpected(std::move(done).error());
  co_return held;
}

task<Result<std::size_t>> LayerStore::sweep(std::set<std::string> in_use) {
  std::vector<fs::path> unused;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root_, error)) {
    const std::string found = entry.path().filename();
    if (found.starts_with(kPartial) || in_use.contains(found) || pinned(found)) continue;
    unused.push_back(entry.path());
  }
  if (error) co_return fail_errno("read " + root_.string(), error.value());
  std::erase_if(pins_, [](const auto& entry) { return entry.second.expired(); });
  for (const fs::path& layer : unused) {
    // Out of the way first, with no task switch since the look above: nobody can find half of it.
    const fs::path trash = root_ / fmt::format("{}trash-{}", kPartial, ++counter_);
    if (pinned(layer.filename())) continue;
    fs::rename(layer, trash, error);
    if (error) co_return fail_errno("rename " + layer.string(), error.value());
    LF_CO_OK(co_await loop_.run_blocking([trash] { return io::remove_tree(trash); }));
  }
  co_return unused.size();
}

}  // namespace landfall::host
