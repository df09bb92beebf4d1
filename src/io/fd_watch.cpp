#include "io/fd_watch.h"

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "io/asio.h"

namespace landfall::io {

struct FdWatch::Impl {
  Impl(Loop& on, Fd fd) : loop(on), descriptor(on.impl().context, fd.release()) {}
  Loop& loop;
  asio::posix::stream_descriptor descriptor;
};

FdWatch::FdWatch(Loop& loop, Fd fd) : impl_(std::make_unique<Impl>(loop, std::move(fd))) {}
FdWatch::FdWatch(FdWatch&&) noexcept = default;
FdWatch::~FdWatch() = default;

int FdWatch::get() const { return impl_->descriptor.native_handle(); }

task<void> FdWatch::readable() {
  co_await asio_await<std::monostate>(impl_->loop, [this](auto done) {
    impl_->descriptor.async_wait(asio::posix::stream_descriptor::wait_read, std::move(done));
  });
}

task<Result<std::string>> read_line(FdWatch& from, std::size_t limit) {
  ::fcntl(from.get(), F_SETFL, ::fcntl(from.get(), F_GETFL) | O_NONBLOCK);
  std::string out;
  std::array<char, 16 << 10> buffer;
  while (out.size() < limit) {
    const ssize_t count =
        ::read(from.get(), buffer.data(), std::min(buffer.size(), limit - out.size()));
    if (count == 0) break;
    if (count > 0) {
      const std::string_view bytes(buffer.data(), std::size_t(count));
      const std::size_t end = bytes.find('\n');
      out += bytes.substr(0, end);
      if (end != std::string_view::npos) break;
    } else if (errno == EAGAIN) {
      co_await from.readable();
    } else if (errno != EINTR) {
      co_return fail_errno("read", errno);
    }
  }
  co_return out;
}

}  // namespace landfall::io
