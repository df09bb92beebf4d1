#include "http/stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace landfall::http {
namespace {

// A peer that always has bytes ready must not keep the loop from everybody else.
constexpr int kStepsWithoutWait = 16;

}  // namespace

Stream::Stream(io::Loop& loop, io::Fd fd) : loop_(loop), pollable_(loop, std::move(fd)) {}

std::unexpected<Error> Stream::broken(std::string_view what) {
  if (timed_out_) return fail("timeout", fmt::format("{}: the peer took too long", what), 408);
  if (!failure_.code.empty()) return std::unexpected(failure_);
  return fail("connection-lost", fmt::format("{}: the peer is gone", what), 400);
}

task<void> Stream::wait(Need need) {
  if (need == Need::nothing) {
    if (++without_wait_ < kStepsWithoutWait) co_return;
    without_wait_ = 0;
    co_await loop_.yield();
    co_return;
  }
  without_wait_ = 0;
  wait_ends_ = std::chrono::steady_clock::now() + timeout_;
  waiting_ = true;
  struct Done {
    bool& waiting;
    ~Done() { waiting = false; }
  } done{waiting_};
  if (need == Need::readable) {
    co_await pollable_.readable();
  } else {
    co_await pollable_.writable();
  }
}

Stream::Step Stream::tls_step(int result) {
  switch (SSL_get_error(tls_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return {.need = Need::readable};
    case SSL_ERROR_WANT_WRITE:
      return {.need = Need::writable};
    case SSL_ERROR_ZERO_RETURN:
      return {};
    default:
      failure_ = tls_error("TLS");
      return {.broken = true};
  }
}

Stream::Step Stream::try_read(std::span<char> into) {
  if (!tls_) {
    const ssize_t count = ::recv(pollable_.fd(), into.data(), into.size(), 0);
    if (count >= 0) return {.count = count};
    if (errno == EAGAIN || errno == EINTR) return {.need = Need::readable};
    return {.broken = true};
  }
  // A record holds at most 16 KiB: take as many as are there.
  std::size_t filled = 0;
  while (filled < into.size()) {
    ERR_clear_error();
    const int result =
        SSL_read(tls_.get(), into.data() + filled,
                 static_cast<int>(std::min<std::size_t>(into.size() - filled, 1 << 30)));
    if (result > 0) {
      filled += static_cast<std::size_t>(result);
      continue;
    }
    if (filled > 0) break;  // the next call meets the same condition
    return tls_step(result);
  }
  return {.count = static_cast<std::ptrdiff_t>(filled)};
}

Stream::Step Stream::try_write(std::span<const std::string_view> parts) {
  if (tls_) {
    for (const std::string_view part : parts) {
      if (part.empty()) continue;
      ERR_clear_error();
      const int result = SSL_write(tls_.get(), part.data(),
                                   static_cast<int>(std::min<std::size_t>(part.size(), 1 << 20)));
      if (result > 0) return {.count = result};
      const Step step = tls_step(result);
      return step.need == Need::nothing ? Step{.broken = true} : step;
    }
    return {};
  }
  iovec vectors[3];
  msghdr message{};
  message.msg_iov = vectors;
  for (const std::string_view part : parts) {
    if (!part.empty())
      vectors[message.msg_iovlen++] = {const_cast<char*>(part.data()), part.size()};
  }
  const ssize_t count = ::sendmsg(pollable_.fd(), &message, MSG_NOSIGNAL);
  if (count >= 0) return {.count = count};
  if (errno == EAGAIN || errno == EINTR) return {.need = Need::writable};
  return {.broken = true};
}

task<Result<void>> Stream::handshake(TlsSession session) {
  tls_ = std::move(session);
  while (true) {
    ERR_clear_error();
    const int result = SSL_do_handshake(tls_.get());
    if (result == 1) co_return Result<void>();
    const Step step = tls_step(result);
    if (step.need == Need::nothing) co_return broken("TLS handshake");
    co_await wait(step.need);
    if (timed_out_) co_return broken("TLS handshake");
  }
}

task<Result<std::optional<unsigned char>>> Stream::peek() {
  while (true) {
    unsigned char first = 0;
    const ssize_t count = ::recv(pollable_.fd(), &first, 1, MSG_PEEK);
    if (count == 1) co_return std::optional<unsigned char>(first);
    if (count == 0) co_return std::optional<unsigned char>();
    if (errno != EAGAIN && errno != EINTR) co_return broken("read");
    co_await wait(Need::readable);
  }
}

task<Result<std::size_t>> Stream::read_some(std::span<char> into) {
  co_await wait(Need::nothing);
  while (true) {
    const Step step = try_read(into);
    if (step.broken || (step.count == 0 && timed_out_)) co_return broken("read");
    if (step.need == Need::nothing) co_return static_cast<std::size_t>(step.count);
    co_await wait(step.need);
  }
}

task<Result<std::string>> Stream::read_piece(std::size_t most) {
  co_await wait(Need::nothing);
  while (true) {
    Step step;
    {
      std::string piece;
      piece.resize_and_overwrite(most, [&](char* data, std::size_t size) {
        step = try_read({data, size});
        return static_cast<std::size_t>(step.count);
      });
      if (step.broken || (step.count == 0 && timed_out_)) co_return broken("read");
      if (step.need == Need::nothing) co_return piece;
    }
    co_await wait(step.need);
  }
}

task<Result<void>> Stream::write_all(std::string_view first, std::string_view second,
                                     std::string_view third) {
  std::string joined;
  if (tls_ && first.size() + second.size() + third.size() <= 16 << 10 && !second.empty()) {
    joined.append(first).append(second).append(third);  // one record instead of three
    first = joined;
    second = third = {};
  }
  std::array<std::string_view, 3> parts{first, second, third};
  while (!parts[0].empty() || !parts[1].empty() || !parts[2].empty()) {
    const Step step = try_write(parts);
    if (step.broken || timed_out_) co_return broken("write");
    auto left = static_cast<std::size_t>(step.count);
    for (std::string_view& part : parts) {
      const std::size_t taken = std::min(left, part.size());
      part.remove_prefix(taken);
      left -= taken;
    }
    if (step.need != Need::nothing) {
      co_await wait(step.need);
    } else if (!parts[2].empty() || !parts[1].empty() || !parts[0].empty()) {
      co_await wait(Need::nothing);
    }
  }
  co_return Result<void>();
}

void Stream::cut(bool timed_out) {
  timed_out_ |= timed_out;
  pollable_.shutdown();
}

void Stream::finish_sending() {
  if (tls_) SSL_shutdown(tls_.get());
  ::shutdown(pollable_.fd(), SHUT_WR);
}

}  // namespace landfall::http
