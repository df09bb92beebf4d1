#include "proxy/engine/stream.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstring>

#include "proxy/engine/tls.h"
#include "proxy/engine/worker.h"

namespace landfall::proxy {
namespace {

constexpr int kRoundsInARow = 4;  // then others get their turn
constexpr std::size_t kMaxParts = 64;

}  // namespace

Stream::Stream(Worker& worker, int fd) : worker_(worker), fd_(fd) {}

Stream::~Stream() { worker_.timers().remove(*this); }

void Stream::set_tls(std::unique_ptr<TlsSession> tls) { tls_ = std::move(tls); }

Stream::Held& Stream::held() {
  if (!held_) held_ = std::make_unique<Held>();
  return *held_;
}

void Stream::shrink() {
  if (held_ && held_->stash.empty() && held_->plain.empty() && held_->out_at == held_->out.size())
    held_.reset();
}

void Stream::close() {
  if (dead) return;
  dead = true;
  if (tls_ && !blocked()) {
    // The peer must be able to tell the end from a cut (RFC 8446, 6.1).
    std::string alert;
    tls_->close_notify(alert);
    if (!alert.empty()) [[maybe_unused]]
      const ssize_t ignored = ::send(fd_, alert.data(), alert.size(), MSG_NOSIGNAL);
  }
  ::close(fd_);
  held_.reset();
  tls_.reset();
  worker_.timers().remove(*this);
  worker_.bury(*this);
}

void Stream::reset() {
  if (dead) return;
  const linger hard{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  tls_.reset();
  close();
}

void Stream::half_close() {
  if (tls_ && !blocked()) {
    std::string alert;
    tls_->close_notify(alert);
    const std::string_view bytes = alert;
    if (!alert.empty()) send_raw({&bytes, 1});
  }
  ::shutdown(fd_, SHUT_WR);
}

void Stream::set_deadline(std::int64_t from_now_ms) {
  worker_.timers().set(*this, worker_.now_ms() + from_now_ms);
}

void Stream::clear_deadline() { worker_.timers().clear(*this); }

void Stream::resume() {
  if (!paused_) return;
  paused_ = false;
  redeliver_ = true;
  worker_.later(*this);
}

void Stream::stash(std::string_view bytes) {
  if (!bytes.empty()) held().stash.assign(bytes);
}

bool Stream::send(std::string_view bytes) { return send(Spans(&bytes, 1)); }

bool Stream::send(Spans spans) {
  if (!tls_) return send_raw(spans);
  if (!tls_->established()) {
    for (const std::string_view span : spans) held().plain.append(span);
    return true;
  }
  std::string& cipher = worker_.cipher();
  cipher.clear();
  for (const std::string_view span : spans) {
    if (!tls_->encrypt(span, cipher)) return false;
  }
  const std::string_view bytes = cipher;
  return send_raw({&bytes, 1});
}

bool Stream::send_raw(Spans spans) {
  std::size_t taken = 0;
  if (!connecting_ && (!held_ || held_->out_at == held_->out.size())) {
    ssize_t sent;
    std::size_t offered = 0;
    if (spans.size() == 1) {
      offered = spans[0].size();
      sent = offered == 0 ? 0 : ::send(fd_, spans[0].data(), offered, MSG_NOSIGNAL);
    } else {
      iovec parts[kMaxParts];
      const std::size_t count = std::min(spans.size(), kMaxParts);
      for (std::size_t i = 0; i < count; ++i) {
        parts[i] = {const_cast<char*>(spans[i].data()), spans[i].size()};
        offered += spans[i].size();
      }
      msghdr message{};
      message.msg_iov = parts;
      message.msg_iovlen = count;
      sent = offered == 0 ? 0 : ::sendmsg(fd_, &message, MSG_NOSIGNAL);
    }
    if (sent < 0) {
      if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) return false;
      sent = 0;
    }
    taken = static_cast<std::size_t>(sent);
    if (taken == offered && spans.size() <= kMaxParts) return true;
  }
  std::string& out = held().out;
  if (held_->out_at > 0) {
    out.erase(0, held_->out_at);
    held_->out_at = 0;
  }
  for (const std::string_view span : spans) {
    const std::size_t skip = std::min(taken, span.size());
    taken -= skip;
    out.append(span.substr(skip));
  }
  return true;
}

void Stream::flush() {
  while (held_ && held_->out_at < held_->out.size()) {
    const std::string_view rest = std::string_view(held_->out).substr(held_->out_at);
    const ssize_t sent = ::send(fd_, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK) return;
      on_broken(errno);
      return;
    }
    held_->out_at += static_cast<std::size_t>(sent);
    // A short write means that the socket is full: its next edge brings us back.
    if (static_cast<std::size_t>(sent) < rest.size()) return;
  }
  if (held_) {
    held_->out = {};
    held_->out_at = 0;
    shrink();
  }
  if (!blocked()) on_drained();
}

void Stream::finish_connect() {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
  connecting_ = false;
  if (error != 0) {
    on_broken(error);
    return;
  }
  if (tls_) {
    std::string& cipher = worker_.cipher();
    cipher.clear();
    std::size_t used = 0;
    if (tls_->advance({}, used, cipher) == TlsSession::Step::broken) return on_broken(EPROTO);
    const std::string_view bytes = cipher;
    if (!send_raw({&bytes, 1})) return on_broken(EPIPE);
    return;
  }
  on_open();
  if (!dead && blocked()) flush();
}

void Stream::on_events(std::uint32_t events) {
  if (connecting_) {
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) == 0) return;
    finish_connect();
    if (dead) return;
  } else if ((events & EPOLLOUT) != 0 && blocked()) {
    flush();
    if (dead) return;
  }
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) readable_ = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) ended_ = true;
  if (!paused_) {
    read_rounds();
  } else if ((events & EPOLLERR) != 0) {
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    on_broken(error != 0 ? error : ECONNRESET);
  }
}

void Stream::on_resume() {
  if (dead || paused_) return;
  if (std::exchange(redeliver_, false) && stashed() > 0) {
    const std::string kept = take_stash();
    shrink();
    // Where on_bytes() expects its bytes: they may be edited in place.
    std::memcpy(worker_.receive_buffer(), kept.data(), kept.size());
    on_bytes({worker_.receive_buffer(), kept.size()});
    if (dead) return;
  }
  read_rounds();
}

Stream::Got Stream::read_into(char* buffer, std::size_t size, std::size_t& got) {
  ssize_t count;
  do {
    count = ::recv(fd_, buffer, size, 0);
  } while (count < 0 && errno == EINTR);
  if (count > 0) {
    got = static_cast<std::size_t>(count);
    // A short read has drained the socket. Once the end was announced, read on until it shows.
    if (got < size && !ended_) readable_ = false;
    return Got::bytes;
  }
  readable_ = false;
  if (count == 0) return Got::end;
  return errno == EAGAIN || errno == EWOULDBLOCK ? Got::nothing : Got::broken;
}

Stream::Got Stream::read_tls(char* buffer, std::size_t size, std::size_t& got) {
  std::size_t raw = 0;
  const Got what = read_into(worker_.cipher_buffer(), Worker::kCipherSize, raw);
  if (what != Got::bytes) return what;
  std::string_view cipher(worker_.cipher_buffer(), raw);
  if (!tls_->established()) {
    std::string& answer = worker_.cipher();
    answer.clear();
    std::size_t used = 0;
    const TlsSession::Step step = tls_->advance(cipher, used, answer);
    const std::string_view bytes = answer;
    if (!answer.empty() && !send_raw({&bytes, 1})) return Got::broken;
    if (step == TlsSession::Step::broken) {
      errno = EPROTO;
      return Got::broken;
    }
    if (step == TlsSession::Step::more) return Got::nothing;
    on_open();
    if (dead) return Got::nothing;
    if (held_ && !held_->plain.empty()) {
      const std::string plain = std::exchange(held_->plain, {});
      if (!send(plain)) return Got::broken;
      if (!blocked()) on_drained();
      if (dead) return Got::nothing;
    }
    cipher.remove_prefix(used);
  }
  switch (tls_->decrypt(cipher, buffer, size, got)) {
    case TlsSession::Step::done:
      return got > 0 ? Got::bytes : Got::nothing;
    case TlsSession::Step::more:
      return got > 0 ? Got::bytes : Got::end;  // close_notify
    case TlsSession::Step::broken:
      break;
  }
  errno = EPROTO;
  return Got::broken;
}

void Stream::read_rounds() {
  for (int round = 0; readable_ && !paused_ && !dead; ++round) {
    if (round == kRoundsInARow) {
      worker_.later(*this);
      return;
    }
    char* buffer = worker_.receive_buffer();
    const std::size_t kept = stashed();
    std::size_t got = 0;
    const std::size_t room = Worker::kReceiveSize - kept;
    const Got what =
        tls_ ? read_tls(buffer + kept, room, got) : read_into(buffer + kept, room, got);
    if (dead) return;
    switch (what) {
      case Got::bytes:
        if (kept > 0) {
          std::memcpy(buffer, held_->stash.data(), kept);
          held_->stash = {};
          shrink();
        }
        on_bytes({buffer, kept + got});
        break;
      case Got::nothing:
        break;
      case Got::end:
        if (!std::exchange(end_told_, true)) on_end();
        return;
      case Got::broken:
        on_broken(errno);
        return;
    }
  }
}

}  // namespace landfall::proxy
