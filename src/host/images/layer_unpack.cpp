#include "host/images/layer_unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/bytes.h"
#include "io/files.h"

namespace landfall::host {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";
constexpr mode_t kPermissions = 07777;

std::unexpected<Error> invalid(std::string_view what) {
  return fail("image-invalid", fmt::format("an image layer is invalid: {}", what));
}

std::unexpected<Error> failed(std::string_view what, int error) {
  if (error == ENOSPC || error == EDQUOT) {
    return fail("disk-full", "the disk is full: an image layer could not be unpacked", 507);
  }
  // What the file system refuses because of the name alone is the archive's fault.
  if (error == ENAMETOOLONG || error == ELOOP) return invalid(fmt::format("bad path {}", what));
  return fail_errno(fmt::format("unpack {}", what), error);
}

// Names and links, as the archive writes them, without leading "/" and "./". Error for "..": no
// honest tool makes it.
Result<std::string> clean_path(const char* name) {
  if (!name) return invalid("an entry has no name");
  std::string out;
  std::string_view rest = name;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('/'), rest.size());
    const std::string_view part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (part.empty() || part == ".") continue;
    if (part == "..") return invalid(fmt::format("the path '{}' leads out of it", name));
    if (!out.empty()) out.push_back('/');
    out += part;
  }
  return out;
}

struct ReaderDelete {
  void operator()(archive* reader) const { archive_read_free(reader); }
};
using Reader = std::unique_ptr<archive, ReaderDelete>;

// Decompresses, and digests what comes out on its way to the tar reader.
class Source {
 public:
  Result<void> open(const fs::path& path) {
    reader_.reset(archive_read_new());
    for (const auto enable : {archive_read_support_filter_gzip, archive_read_support_filter_zstd,
                              archive_read_support_filter_xz, archive_read_support_filter_bzip2,
                              archive_read_support_format_raw, archive_read_support_format_empty}) {
      if (enable(reader_.get()) != ARCHIVE_OK) return invalid(archive_error_string(reader_.get()));
    }
    if (archive_read_open_filename(reader_.get(), path.c_str(), 256 << 10) != ARCHIVE_OK) {
      return error();
    }
    archive_entry* entry = nullptr;
    const int status = archive_read_next_header(reader_.get(), &entry);
    if (status != ARCHIVE_OK && status != ARCHIVE_EOF) return error();
    ended_ = status == ARCHIVE_EOF;
    return {};
  }
  // The next bytes; empty at the end, and after an error (see failed()).
  std::string_view next() {
    if (ended_) return {};
    const void* block = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    const int status = archive_read_data_block(reader_.get(), &block, &size, &offset);
    if (status != ARCHIVE_OK) {
      ended_ = true;
      failed_ = status != ARCHIVE_EOF;
      return {};
    }
    const std::string_view bytes(static_cast<const char*>(block), size);
    hash_.update(bytes);
    return bytes;
  }
  bool failed() const { return failed_; }
  std::unexpected<Error> error() const {
    const char* why = archive_error_string(reader_.get());
    return invalid(fmt::format("it cannot be decompressed: {}", why ? why : "unknown"));
  }
  std::string finish_hex() { return hash_.finish_hex(); }

 private:
  Reader reader_;
  Sha256 hash_;
  bool ended_ = false;
  bool failed_ = false;
};

la_ssize_t read_source(archive* reader, void* data, const void** block) {
  auto* source = static_cast<Source*>(data);
  std::string_view bytes;
  do {
    bytes = source->next();
    if (source->failed()) {
      archive_set_error(reader, EIO, "decompression failed");
      return -1;
    }
  } while (bytes.empty() && bytes.data() != nullptr);
  *block = bytes.data();
  return la_ssize_t(bytes.size());
}

class Unpacker {
 public:
  Unpacker(io::Fd root, std::uint32_t id_shift, UnpackLimits limits)
      : root_(std::move(root)), id_shift_(id_shift), limits_(limits) {}

  Result<void> entry(archive* reader, archive_entry* entry) {
    if (++entries_ > limits_.entries) return invalid("it has too many entries");
    LF_TRY(path, clean_path(archive_entry_pathname(entry)));
    if (path.empty()) {
      // The root itself: its owner, mode and time.
      if (archive_entry_filetype(entry) != AE_IFDIR) return {};
      LF_TRY(root, open_folder(""));
      return finish_folder(std::move(root), entry);
    }
    const std::size_t slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "" : path.substr(0, slash);
    const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
    LF_TRY(parent, open_folder(folder));
    if (name.starts_with(kWhiteout)) return whiteout(parent, name);
    if (const char* link = archive_entry_hardlink(entry)) {
      return hard_link(parent, name, link);
    }
    switch (archive_entry_filetype(entry)) {
      case AE_IFDIR:
        return make_folder(parent, name, entry);
      case AE_IFREG:
        return write_file(reader, parent, name, entry);
      case AE_IFLNK:
        return symbolic_link(parent, name, entry);
      case AE_IFIFO:
        LF_OK(replace(parent, name));
        if (::mkfifoat(parent.get(), name.c_str(), 0600) < 0) return failed(path, errno);
        return set_owner(parent, name, entry, true);
      default:
        // Devices would be a way out of the container; sockets mean nothing without their process.
        return {};
    }
  }

  // Writing into folders has changed their times.
  void restore_folder_times() {
    for (auto at = folder_times_.rbegin(); at != folder_times_.rend(); ++at) {
      ::futimens(at->first.get(), at->second.data());
    }
    folder_times_.clear();
  }

 private:
  Result<io::Fd> open_folder(const std::string& path) {
    if (last_folder_ && path == last_path_) return duplicate(last_folder_);
    auto opened = open_below(path);
    if (!opened) return opened;
    last_path_ = path;
    LF_TRY(copy, duplicate(*opened));
    last_folder_ = std::move(copy);
    return opened;
  }
  Result<io::Fd> duplicate(const io::Fd& from) {
    io::Fd copy(::fcntl(from.get(), F_DUPFD_CLOEXEC, 0));
    if (!copy) return fail_errno("dup", errno);
    return copy;
  }
  // Symbolic links are followed as the container would see them; missing folders are made, as tar
  // does.
  Result<io::Fd> open_below(const std::string& path) {
    open_how how{};
    how.flags = O_DIRECTORY | O_RDONLY | O_CLOEXEC;
    how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    const char* at = path.empty() ? "." : path.c_str();
    io::Fd found(int(::syscall(SYS_openat2, root_.get(), at, &how, sizeof how)));
    if (found) return found;
    if (errno == ENOTDIR) return invalid(fmt::format("'{}' is not a folder", path));
    if (errno != ENOENT || path.empty()) return failed(path, errno);
    const std::size_t slash = path.rfind('/');
    LF_TRY(parent, open_below(slash == std::string::npos ? "" : path.substr(0, slash)));
    const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
    // A dangling link of that name stays in the way; that is an error, not a reason to follow it.
    if (::mkdirat(parent.get(), name.c_str(), 0755) < 0) return failed(path, errno);
    if (::fchownat(parent.get(), name.c_str(), id_shift_, id_shift_, AT_SYMLINK_NOFOLLOW) < 0) {
      return failed(path, errno);
    }
    io::Fd made(int(::syscall(SYS_openat2, root_.get(), at, &how, sizeof how)));
    if (!made) return failed(path, errno);
    return made;
  }

  // Later entries replace earlier ones of the same name.
  Result<void> replace(const io::Fd& parent, const std::string& name) {
    if (::unlinkat(parent.get(), name.c_str(), 0) == 0) {
      last_folder_.reset();  // it may have been reached through this link
      return {};
    }
    if (errno == ENOENT) return {};
    if (errno != EISDIR && errno != EPERM) return failed(name, errno);
    last_folder_.reset();
    const fs::path whole = fmt::format("/proc/self/fd/{}/{}", parent.get(), name);
    return io::remove_tree(whole);
  }

  Result<void> whiteout(const io::Fd& parent, const std::string& name) {
    if (name == kOpaque) return make_opaque(parent);
    if (name.starts_with(".wh..wh.")) return {};  // bookkeeping of an old file system, aufs
    const std::string hidden = name.substr(kWhiteout.size());
    if (hidden.empty() || hidden == "." || hidden == "..")
      return invalid("a whiteout hides nothing");
    // It speaks of the layers below: what this layer itself has stays, but no longer merges with
    // what is below.
    if (::mknodat(parent.get(), hidden.c_str(), S_IFCHR, makedev(0, 0)) == 0) return {};
    if (errno != EEXIST) return failed(name, errno);
    const io::Fd folder(
        ::openat(parent.get(), hidden.c_str(), O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    return folder ? make_opaque(folder) : Result<void>{};
  }

  static Result<void> make_opaque(const io::Fd& folder) {
    if (::fsetxattr(folder.get(), "trusted.overlay.opaque", "y", 1, 0) < 0) {
      return failed("an opaque folder", errno);
    }
    return {};
  }

  Result<void> hard_link(const io::Fd& parent, const std::string& name, const char* link) {
    LF_TRY(target, clean_path(link));
    if (target.empty()) return invalid("a hard link to the root");
    const std::size_t slash = target.rfind('/');
    LF_TRY(from, open_below(slash == std::string::npos ? "" : target.substr(0, slash)));
    const std::string from_name = slash == std::string::npos ? target : target.substr(slash + 1);
    LF_OK(replace(parent, name));
    if (::linkat(from.get(), from_name.c_str(), parent.get(), name.c_str(), 0) < 0) {
      if (errno == ENOENT || errno == EPERM) {
        return invalid(fmt::format("the hard link '{}' to '{}' has no target", name, target));
      }
      return failed(name, errno);
    }
    return {};
  }

  Result<void> symbolic_link(const io::Fd& parent, const std::string& name, archive_entry* entry) {
    const char* target = archive_entry_symlink(entry);
    if (!target || !*target) return invalid(fmt::format("the link '{}' has no target", name));
    LF_OK(replace(parent, name));
    if (::symlinkat(target, parent.get(), name.c_str()) < 0) return failed(name, errno);
    return set_owner(parent, name, entry, false);
  }

  Result<void> make_folder(const io::Fd& parent, const std::string& name, archive_entry* entry) {
    bool hides_below = false;
    if (::mkdirat(parent.get(), name.c_str(), 0700) < 0) {
      struct stat about{};
      if (errno != EEXIST) return failed(name, errno);
      if (::fstatat(parent.get(), name.c_str(), &about, AT_SYMLINK_NOFOLLOW) < 0) {
        return failed(name, errno);
      }
      if (!S_ISDIR(about.st_mode)) {
        hides_below = S_ISCHR(about.st_mode);  // a whiteout
        LF_OK(replace(parent, name));
        if (::mkdirat(parent.get(), name.c_str(), 0700) < 0) return failed(name, errno);
      }
    }
    io::Fd made(::openat(parent.get(), name.c_str(), O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!made) return failed(name, errno);
    if (hides_below) LF_OK(make_opaque(made));
    return finish_folder(std::move(made), entry);
  }

  Result<void> finish_folder(io::Fd folder, archive_entry* entry) {
    LF_OK(set_metadata(folder, "folder", entry));
    // Bounded: the descriptors stay open until the end. Beyond, a folder's time is that of its last
    // entry.
    if (folder_times_.size() < 256) folder_times_.emplace_back(std::move(folder), times(entry));
    return {};
  }

  Result<void> write_file(archive* reader, const io::Fd& parent, const std::string& name,
                          archive_entry* entry) {
    LF_OK(replace(parent, name));
    const io::Fd file(::openat(parent.get(), name.c_str(),
                               O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) return failed(name, errno);
    const void* block = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    int status = ARCHIVE_OK;
    while ((status = archive_read_data_block(reader, &block, &size, &offset)) == ARCHIVE_OK) {
      bytes_ += size;
      if (bytes_ > limits_.bytes || offset < 0 || std::uint64_t(offset) > limits_.bytes) {
        return invalid("it is too large when unpacked");
      }
      std::string_view rest(static_cast<const char*>(block), size);
      while (!rest.empty()) {
        const ssize_t count = ::pwrite(file.get(), rest.data(), rest.size(), offset);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return failed(name, errno);
        rest.remove_prefix(std::size_t(count));
        offset += count;
      }
    }
    if (status != ARCHIVE_EOF) return unreadable(reader);
    // A sparse file may end in a hole.
    const la_int64_t whole = archive_entry_size(entry);
    if (whole < 0 || std::uint64_t(whole) > limits_.bytes) return invalid("a file is too large");
    if (::ftruncate(file.get(), whole) < 0) return failed(name, errno);
    LF_OK(set_metadata(file, name, entry));
    const auto when = times(entry);
    ::futimens(file.get(), when.data());
    return {};
  }

  static std::array<timespec, 2> times(archive_entry* entry) {
    const timespec when{archive_entry_mtime(entry), archive_entry_mtime_nsec(entry)};
    return {when, when};
  }

  Result<void> set_metadata(const io::Fd& file, const std::string& name, archive_entry* entry) {
    LF_TRY(owner, owner_of(entry));
    if (::fchown(file.get(), owner.first, owner.second) < 0) return failed(name, errno);
    // After the owner: a change of owner takes set-user-id away, and file capabilities too.
    if (::fchmod(file.get(), archive_entry_mode(entry) & kPermissions) < 0) {
      return failed(name, errno);
    }
    archive_entry_xattr_reset(entry);
    const char* key = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    while (archive_entry_xattr_next(entry, &key, &value, &size) == ARCHIVE_OK) {
      const std::string_view attribute = key;
      if (attribute != "security.capability" && !attribute.starts_with("user.")) continue;
      if (::fsetxattr(file.get(), key, value, size, 0) < 0 && errno != EOPNOTSUPP) {
        return failed(name, errno);
      }
    }
    return {};
  }

  Result<void> set_owner(const io::Fd& parent, const std::string& name, archive_entry* entry,
                         bool set_mode) {
    LF_TRY(owner, owner_of(entry));
    if (::fchownat(parent.get(), name.c_str(), owner.first, owner.second, AT_SYMLINK_NOFOLLOW) <
            0 ||
        (set_mode &&
         ::fchmodat(parent.get(), name.c_str(), archive_entry_mode(entry) & kPermissions, 0) < 0)) {
      return failed(name, errno);
    }
    const auto when = times(entry);
    ::utimensat(parent.get(), name.c_str(), when.data(), AT_SYMLINK_NOFOLLOW);
    return {};
  }

  // Ids beyond the range a container gets would belong to nobody there.
  Result<std::pair<uid_t, gid_t>> owner_of(archive_entry* entry) const {
    const la_int64_t user = archive_entry_uid(entry), group = archive_entry_gid(entry);
    if (user < 0 || user > 65535 || group < 0 || group > 65535) {
      return invalid(
          fmt::format("a file belongs to {}:{}; ids above 65535 are not supported", user, group));
    }
    return std::pair(uid_t(user) + id_shift_, gid_t(group) + id_shift_);
  }

  static std::unexpected<Error> unreadable(archive* reader) {
    const char* why = archive_error_string(reader);
    return invalid(fmt::format("it cannot be read: {}", why ? why : "it is cut off"));
  }

  io::Fd root_;
  std::uint32_t id_shift_;
  UnpackLimits limits_;
  std::uint64_t entries_ = 0;
  std::uint64_t bytes_ = 0;
  std::vector<std::pair<io::Fd, std::array<timespec, 2>>> folder_times_;
  // Entries of one folder follow each other.
  std::string last_path_;
  io::Fd last_folder_;
};

}  // namespace

Result<Digest> unpack_layer(const fs::path& archive_path, const fs::path& target,
                            std::uint32_t id_shift, UnpackLimits limits) {
  io::Fd root(::open(target.c_str(), O_DIRECTORY | O_CLOEXEC));
  if (!root) return fail_errno("open " + target.string(), errno);
  Source source;
  LF_OK(source.open(archive_path));
  const Reader reader(archive_read_new());
  archive_read_support_format_tar(reader.get());
  archive_read_support_format_empty(reader.get());
  const auto unreadable = [&]() -> std::unexpected<Error> {
    if (source.failed()) return source.error();
    const char* why = archive_error_string(reader.get());
    return invalid(fmt::format("it is not a tar archive: {}", why ? why : "unknown"));
  };
  if (archive_read_open(reader.get(), &source, nullptr, read_source, nullptr) != ARCHIVE_OK) {
    return unreadable();
  }
  Unpacker unpacker(std::move(root), id_shift, limits);
  for (;;) {
    archive_entry* entry = nullptr;
    const int status = archive_read_next_header(reader.get(), &entry);
    if (status == ARCHIVE_EOF) break;
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) return unreadable();
    LF_OK(unpacker.entry(reader.get(), entry));
  }
  unpacker.restore_folder_times();
  // The digest covers what follows the end marker too.
  while (!source.next().empty()) {
  }
  if (source.failed()) return source.error();
  return Digest::parse("sha256:" + source.finish_hex());
}

}  // namespace landfall::host
