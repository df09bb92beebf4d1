#include "proxy/log/log_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "io/files.h"
#include "io/process.h"

namespace landfall::proxy {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kPeriodMs = 5 * 60 * 1000;
constexpr std::size_t kFileLimit = 64 << 20;
constexpr std::int64_t kRetryMs = 60 * 1000;
constexpr std::int64_t kWarningMs = 60 * 1000;
constexpr std::size_t kPart = 256 << 10;

// The first line of an unfinished file says what it will be.
struct FileHeader {
  std::string folder, prefix, node;
  std::int64_t begun_ms = 0;
};
LF_RECORD(FileHeader, folder, prefix, node, begun_ms)

std::uint64_t own_start_time() {
  const auto time = io::process_start_time(::getpid());
  return time ? *time : 0;
}

// "<pid>-<start time>-<random>": whether its process still runs can be asked.
std::string unfinished_name() {
  static const std::uint64_t start_time = own_start_time();
  return fmt::format("{}-{}-{}", ::getpid(), start_time, SystemRandom().hex(8));
}

bool belongs_to_somebody(const std::string& name) {
  int pid = 0;
  std::uint64_t start_time = 0;
  const char* end = name.data() + name.size();
  const auto first = std::from_chars(name.data(), end, pid);
  if (first.ec != std::errc() || first.ptr == end) return true;  // not one of ours
  if (std::from_chars(first.ptr + 1, end, start_time).ec != std::errc()) return true;
  return io::process_alive(pid, start_time);
}

// "20140215T2340Z": the end of its five minutes.
std::string end_of_period(std::int64_t begun_ms) {
  const std::int64_t end = (begun_ms / kPeriodMs + 1) * kPeriodMs;
  const std::string text = format_iso8601_basic(from_unix_ms(end));  // 20140215T234000Z
  return text.substr(0, 13) + "Z";
}

fs::path final_path(const FileHeader& header) {
  const std::string end = end_of_period(header.begun_ms);
  return fs::path(header.folder) / end.substr(0, 4) / end.substr(4, 2) / end.substr(6, 2) /
         fmt::format("{}_{}_{}_{}.log.gz", header.prefix, end, header.node,
                     SystemRandom().pick("abcdefghijklmnopqrstuvwxyz0123456789", 8));
}

// Leaves in `bytes` what could not be written.
Result<void> write_all(int fd, std::string_view& bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::write(fd, bytes.data(), bytes.size());
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return fail_errno("write a log", errno);
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return {};
}

class Gzip {
 public:
  Gzip() { good_ = deflateInit2(&stream_, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK; }
  ~Gzip() { deflateEnd(&stream_); }
  Gzip(const Gzip&) = delete;

  Result<void> write(std::string_view bytes, bool last, int to) {
    if (!good_) return fail("gzip-failed", "zlib has no memory", 500);
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream_.avail_in = static_cast<uInt>(bytes.size());
    char out[64 << 10];
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(out);
      stream_.avail_out = sizeof out;
      deflate(&stream_, last ? Z_FINISH : Z_NO_FLUSH);
      std::string_view made(out, sizeof out - stream_.avail_out);
      LF_OK(write_all(to, made));
    } while (stream_.avail_out == 0);
    return {};
  }

 private:
  z_stream stream_{};
  bool good_ = false;
};

Result<void> compress(int from, int to) {
  Gzip gzip;
  std::string part(kPart, '\0');
  while (true) {
    const ssize_t got = ::read(from, part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("read a log", errno);
    LF_OK(
        gzip.write(std::string_view(part).substr(0, static_cast<std::size_t>(got)), got == 0, to));
    if (got == 0) break;
  }
  if (::fsync(to) < 0) return fail_errno("fsync a log", errno);
  return {};
}

// Leaves the file where the lines begin.
Result<FileHeader> read_header(int fd) {
  std::string text;
  char c;
  while (::read(fd, &c, 1) == 1 && c != '\n' && text.size() < 8192) text += c;
  return record::from_text<FileHeader>(text);
}

}  // namespace

Result<std::unique_ptr<LogFile>> LogFile::open(const LogPlace& place, const std::string& node,
                                               std::int64_t now_ms) {
  LF_OK(io::make_directories(place.unfinished, 0700));
  const fs::path path = fs::path(place.unfinished) / unfinished_name();
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0640);
  if (fd < 0) return fail_errno("create " + path.string(), errno);
  std::unique_ptr<LogFile> out(new LogFile(fd, path, 0, now_ms));
  const std::string header =
      record::to_text(FileHeader{place.folder, place.prefix, node, now_ms}) + "\n";
  std::string_view left = header;
  if (auto written = out->append(left); !written) {
    ::unlink(path.c_str());
    return std::unexpected(written.error());
  }
  return out;
}

LogFile::~LogFile() { ::close(fd_); }

Result<void> LogFile::append(std::string_view& lines) {
  const std::string_view all = lines;
  auto written = write_all(fd_, lines);
  // Half a line would spoil the next one.
  const std::size_t whole = all.substr(0, all.size() - lines.size()).rfind('\n') + 1;
  lines = all.substr(whole);
  size_ += whole;
  if (!written) {
    [[maybe_unused]] const int ignored = ::ftruncate(fd_, static_cast<off_t>(size_));
  }
  return written;
}

Result<void> finish_log_file(const fs::path& unfinished, std::int64_t now_ms) {
  const io::Fd from(::open(unfinished.c_str(), O_RDONLY | O_CLOEXEC));
  if (!from) return fail_errno("open " + unfinished.string(), errno);
  auto header = read_header(from.get());
  if (!header || header->folder.empty()) {
    ::unlink(unfinished.c_str());
    return fail("log-unreadable", unfinished.string() + " is no log", 500);
  }
  struct stat status{};
  if (::fstat(from.get(), &status) == 0 && ::lseek(from.get(), 0, SEEK_CUR) == status.st_size) {
    ::unlink(unfinished.c_str());
    return {};
  }
  if (header->begun_ms > now_ms) header->begun_ms = now_ms;
  const fs::path path = final_path(*header);
  LF_OK(io::make_directories(path.parent_path(), 0755));
  // Its name is the same the next time, so that nothing is left of a process killed in between.
  const fs::path temporary = path.parent_path() / ("." + unfinished.filename().string());
  const io::Fd to(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640));
  if (!to) return fail_errno("create " + temporary.string(), errno);
  auto done = compress(from.get(), to.get());
  if (done && ::rename(temporary.c_str(), path.c_str()) < 0)
    done = fail_errno("rename to " + path.string(), errno);
  if (!done) {
    ::unlink(temporary.c_str());
    return std::unexpected(done.error());
  }
  ::unlink(unfinished.c_str());
  return {};
}

LogWriter::LogWriter(std::function<std::int64_t()> now_ms) : now_ms_(std::move(now_ms)) {
  if (!now_ms_) now_ms_ = [] { return to_unix_ms(SystemClock().now()); };
  thread_ = std::thread([this] { run(); });
}

LogWriter::~LogWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void LogWriter::add(std::shared_ptr<LogSource> source) {
  {
    const std::lock_guard lock(mutex_);
    added_.push_back(std::move(source));
  }
  changed_.notify_all();
}

void LogWriter::recover(const fs::path& unfinished) {
  const std::lock_guard lock(mutex_);
  if (!recovered_.insert(unfinished).second) return;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(unfinished, ignored)) {
    if (!belongs_to_somebody(entry.path().filename().string())) unfinished_.push_back(entry.path());
  }
  changed_.notify_all();
}

void LogWriter::finish(std::unique_ptr<LogFile>& file, std::int64_t now) {
  if (!file) return;
  const fs::path path = file->path();
  file.reset();
  if (auto finished = finish_log_file(path, now); !finished) {
    log::warning("proxy", "a log is not finished yet: {}", finished.error().message);
    const std::lock_guard lock(mutex_);
    unfinished_.push_back(path);
  }
}

void LogWriter::finish_all(Open& open, std::int64_t now) {
  for (auto& [node, file] : open.files) finish(file, now);
  open.files.clear();
}

// A full disk costs log lines, never requests.
void LogWriter::write_out(Open& open, std::int64_t now) {
  for (auto& [node, lines] : open.source->take()) {
    auto& file = open.files[node];
    Result<void> written;
    std::string_view left = lines;
    if (!file) {
      auto made = LogFile::open(open.source->place(), node, now);
      if (made) {
        file = std::move(*made);
      } else {
        written = std::unexpected(made.error());
      }
    }
    if (file) written = file->append(left);
    if (written) continue;
    open.source->drop(static_cast<std::uint64_t>(std::ranges::count(left, '\n')));
    if (now < next_warning_ms_) continue;
    next_warning_ms_ = now + kWarningMs;
    log::warning("proxy", "log lines are lost: {}", written.error().message);
  }
  for (auto& [node, file] : open.files) {
    if (!file) continue;
    if (now / kPeriodMs != file->begun_ms() / kPeriodMs || file->size() > kFileLimit)
      finish(file, now);
  }
}

void LogWriter::retry_unfinished(std::int64_t now) {
  std::vector<fs::path> paths;
  {
    const std::lock_guard lock(mutex_);
    paths.swap(unfinished_);
  }
  for (const fs::path& path : paths) {
    const auto finished = finish_log_file(path, now);
    if (finished || finished.error().code == "log-unreadable") continue;
    const std::lock_guard lock(mutex_);
    unfinished_.push_back(path);
  }
}

void LogWriter::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    const bool stopping = stopping_;
    for (auto& source : added_) open_.push_back({std::move(source), {}});
    added_.clear();
    const bool recovering = !unfinished_.empty();
    lock.unlock();
    const std::int64_t now = now_ms_();
    for (Open& open : open_) {
      // Looked at first: nobody adds lines to what only we hold.
      const bool last = stopping || open.source.use_count() == 1;
      write_out(open, now);
      if (last) finish_all(open, now);
      if (last) open.source.reset();
    }
    std::erase_if(open_, [](const Open& open) { return open.source == nullptr; });
    if (recovering && now >= next_retry_ms_) {
      next_retry_ms_ = now + kRetryMs;
      retry_unfinished(now);
    }
    lock.lock();
    if (stopping) return;
    const auto wake = [&] { return stopping_ || !added_.empty(); };
    if (open_.empty() && unfinished_.empty()) {
      changed_.wait(lock, [&] { return wake() || !unfinished_.empty(); });
    } else {
      changed_.wait_for(lock, std::chrono::milliseconds(100), wake);
    }
  }
}

}  // namespace landfall::proxy
