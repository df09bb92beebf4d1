#include "io/terminal.h"

#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "io/asio.h"

namespace landfall::io {

using asio::posix::stream_descriptor;

struct Terminal::Impl {
  Impl(Loop& loop_in, int master, int pid_in, int pidfd)
      : loop(loop_in),
        terminal(loop_in.impl().context, master),
        ending(loop_in.impl().context, pidfd),
        pid(pid_in) {}
  ~Impl() {
    if (reaped) return;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }

  Loop& loop;
  stream_descriptor terminal;
  stream_descriptor ending;
  int pid;
  bool reaped = false;
  int code = 0;
};

Terminal::Terminal(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Terminal::Terminal(Terminal&&) noexcept = default;
Terminal::~Terminal() = default;

Result<Terminal> Terminal::start(Loop& loop, const Command& command) {
  int master = -1, slave = -1;
  if (::openpty(&master, &slave, nullptr, nullptr, nullptr) < 0)
    return fail_errno("open a terminal", errno);
  Fd ours(master);
  const Fd its(slave);
  for (const int fd : {master, slave}) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  LF_TRY(pid, start_on_terminal(command, its.get()));
  Fd pidfd(int(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd) {
    const int error = errno;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return fail_errno("pidfd_open", error);
  }
  return Terminal(std::make_unique<Impl>(loop, ours.release(), pid, pidfd.release()));
}

task<Result<std::string>> Terminal::read() {
  Impl& impl = *impl_;
  std::string buffer(16 << 10, '\0');
  auto [error, count] = co_await asio_await<std::size_t>(impl.loop, [&](auto done) {
    impl.terminal.async_read_some(asio::buffer(buffer), std::move(done));
  });
  // EIO: every copy of the other side is closed.
  if (error == boost::system::errc::io_error || error == asio::error::eof) co_return std::string();
  if (error) co_return std::unexpected(to_error("read a terminal", error));
  buffer.resize(count);
  co_return buffer;
}

task<Result<void>> Terminal::write(std::string bytes) {
  Impl& impl = *impl_;
  std::string_view rest = bytes;
  while (!rest.empty()) {
    auto [error, count] = co_await asio_await<std::size_t>(impl.loop, [&](auto done) {
      impl.terminal.async_write_some(asio::buffer(rest.data(), rest.size()), std::move(done));
    });
    if (error) co_return std::unexpected(to_error("write to a terminal", error));
    rest.remove_prefix(count);
  }
  co_return Result<void>();
}

void Terminal::resize(int rows, int columns) {
  winsize size{};
  size.ws_row = static_cast<unsigned short>(rows);
  size.ws_col = static_cast<unsigned short>(columns);
  ::ioctl(impl_->terminal.native_handle(), TIOCSWINSZ, &size);
}

task<int> Terminal::ended() {
  Impl& impl = *impl_;
  if (impl.reaped) co_return impl.code;
  co_await asio_await<std::monostate>(impl.loop, [&](auto done) {
    impl.ending.async_wait(stream_descriptor::wait_read, std::move(done));
  });
  int status = 0;
  ::waitpid(impl.pid, &status, 0);
  impl.reaped = true;
  impl.code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  co_return impl.code;
}

}  // namespace landfall::io
