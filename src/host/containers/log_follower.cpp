#include "host/containers/log_follower.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

namespace landfall::host {
namespace fs = std::filesystem;
namespace {
constexpr std::size_t kBatch = 256 << 10;
constexpr std::uint64_t kDiscardStep = 1 << 20;
}  // namespace

struct LogFollower::Impl {
  Impl(io::Loop& loop, fs::path at, std::uint64_t from, io::Fd folder_watch, io::Fd wake_up,
       io::Fd both)
      : path(std::move(at)),
        offset(from),
        parser(from),
        inotify(std::move(folder_watch)),
        wake(std::move(wake_up)),
        either(loop, std::move(both)) {}

  // Opens the file when it is there, and the new one when it has been replaced and the old one is
  // read.
  void reopen() {
    io::Fd fresh(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat now{}, before{};
    if (!fresh || ::fstat(fresh.get(), &now) < 0) return;
    if (file && ::fstat(file.get(), &before) == 0) {
      const bool same = now.st_dev == before.st_dev && now.st_ino == before.st_ino;
      if (same && std::uint64_t(now.st_size) >= offset) return;
      restart(0);
    } else if (std::uint64_t(now.st_size) < offset) {
      restart(0);
    }
    file = std::move(fresh);
    skip_discarded();
  }

  void restart(std::uint64_t at) {
    offset = at;
    parser = LogLineParser(at);
  }

  // Following from the beginning of a file whose beginning was given back.
  void skip_discarded() {
    const off_t data = ::lseek(file.get(), off_t(offset), SEEK_DATA);
    if (data <= off_t(offset)) return;
    char byte = 0;
    std::uint64_t at = std::uint64_t(data);
    while (::pread(file.get(), &byte, 1, off_t(at)) == 1 && byte != '\n') ++at;
    restart(at + 1);
  }

  std::size_t read(std::vector<LogLine>& out) {
    if (!file) return 0;
    buffer.resize(kBatch);
    const ssize_t count = ::pread(file.get(), buffer.data(), buffer.size(), off_t(offset));
    if (count <= 0) return 0;
    offset += std::uint64_t(count);
    parser.feed(std::string_view(buffer.data(), std::size_t(count)), out);
    return std::size_t(count);
  }

  void drain_events() {
    char events[4096];
    while (::read(inotify.get(), events, sizeof events) > 0) {
    }
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = ::read(wake.get(), &count, sizeof count);
  }

  fs::path path;
  std::uint64_t offset;
  LogLineParser parser;
  io::Fd inotify, wake, file;
  io::FdWatch either;
  std::string buffer;
  std::uint64_t discarded = 0;
  bool finished = false;
  bool ended = false;
};

LogFollower::LogFollower(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LogFollower::LogFollower(LogFollower&&) noexcept = default;
LogFollower::~LogFollower() = default;

Result<LogFollower> LogFollower::open(io::Loop& loop, fs::path path, std::uint64_t offset) {
  io::Fd inotify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!inotify) return fail_errno("watch " + path.string(), errno);
  // The folder's watch also tells of a file that comes later or takes the old one's place.
  if (::inotify_add_watch(inotify.get(), path.parent_path().c_str(),
                          IN_CREATE | IN_MODIFY | IN_MOVED_TO | IN_ONLYDIR) < 0) {
    return fail_errno("watch " + path.string(), errno);
  }
  io::Fd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  io::Fd both(::epoll_create1(EPOLL_CLOEXEC));
  if (!wake || !both) return fail_errno("watch " + path.string(), errno);
  for (const io::Fd* each : {&inotify, &wake}) {
    epoll_event event{.events = EPOLLIN, .data = {}};
    if (::epoll_ctl(both.get(), EPOLL_CTL_ADD, each->get(), &event) < 0) {
      return fail_errno("watch " + path.string(), errno);
    }
  }
  return LogFollower(std::make_unique<Impl>(loop, std::move(path), offset, std::move(inotify),
                                            std::move(wake), std::move(both)));
}

task<Result<std::vector<LogLine>>> LogFollower::next() {
  std::vector<LogLine> out;
  for (;;) {
    // Before the look at the file: what is written after the look wakes us again.
    impl_->drain_events();
    const bool last_round = impl_->finished;
    while (impl_->read(out) > 0) {
      if (!out.empty()) co_return out;
    }
    const bool had_file = bool(impl_->file);
    const int before = impl_->file.get();
    impl_->reopen();
    if (!had_file && impl_->file) continue;
    if (impl_->file.get() != before) continue;
    if (last_round) {
      if (!std::exchange(impl_->ended, true)) impl_->parser.finish(out);
      co_return out;
    }
    co_await impl_->either.readable();
  }
}

void LogFollower::finish() {
  impl_->finished = true;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t sent = ::write(impl_->wake.get(), &one, sizeof one);
}

void LogFollower::discard_until(std::uint64_t offset) {
  if (offset < impl_->discarded + kDiscardStep) return;
  const io::Fd writable(::open(impl_->path.c_str(), O_WRONLY | O_CLOEXEC));
  // A file system without holes keeps the space; that is all.
  if (writable && ::fallocate(writable.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                              off_t(offset & ~std::uint64_t(4095))) == 0) {
    impl_->discarded = offset;
  }
}

void trim_log(const fs::path& path, std::uint64_t most, std::uint64_t kept) {
  struct stat about{};
  if (::stat(path.c_str(), &about) < 0 || std::uint64_t(about.st_blocks) * 512 <= most ||
      std::uint64_t(about.st_size) <= kept) {
    return;
  }
  const io::Fd writable(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!writable) return;
  const std::uint64_t until = (std::uint64_t(about.st_size) - kept) & ~std::uint64_t(4095);
  [[maybe_unused]] const int done =
      ::fallocate(writable.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, off_t(until));
}

}  // namespace landfall::host
