// A connection on a worker's epoll set: registered once, edge-triggered, for reading and writing.
//
// Reading goes into the worker's one large buffer and only from the worker's top level; nothing
// that handles bytes reads further bytes. Writing goes to the socket at once; only what the socket
// does not take is kept.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "proxy/engine/timers.h"

namespace landfall::proxy {

class Worker;
class TlsSession;

class Pollable : public Timed {
 public:
  virtual void on_events(std::uint32_t events) = 0;
  // Was put on the worker's list of those that have more to do.
  virtual void on_resume() {}
  bool dead = false;  // closed; freed at the end of the worker's round
  bool on_ready_list = false;
};

using Spans = std::span<const std::string_view>;

class Stream : public Pollable {
 public:
  Stream(Worker& worker, int fd);
  ~Stream() override;

  void on_events(std::uint32_t events) final;
  void on_resume() final;
  void on_deadline() override = 0;

  // Bytes that do not fit the socket are kept until it takes them: check blocked() before sending
  // more than one message. False: the connection is broken (on_broken() has not been called).
  bool send(std::string_view bytes);
  bool send(Spans spans);
  bool blocked() const {
    return held_ && (held_->out_at < held_->out.size() || !held_->plain.empty());
  }
  // How much is kept.
  std::size_t backlog() const { return held_ ? held_->out.size() - held_->out_at : 0; }

  // No on_bytes() until resumed.
  void pause() { paused_ = true; }
  void resume();
  bool paused() const { return paused_; }

  // Keeps bytes that on_bytes() could not use; they come again in front of the next ones.
  void stash(std::string_view bytes);
  std::size_t stashed() const { return held_ ? held_->stash.size() : 0; }
  std::string take_stash() { return held_ ? std::exchange(held_->stash, {}) : std::string(); }

  // The process is about to end.
  virtual void drain() {}
  void close();
  // A reset instead of an orderly end, so that the peer cannot take what it got for all.
  void reset();
  void half_close();
  void set_deadline(std::int64_t from_now_ms);
  void clear_deadline();
  int fd() const { return fd_; }
  TlsSession* tls() const { return tls_.get(); }
  void set_tls(std::unique_ptr<TlsSession> tls);
  bool connecting() const { return connecting_; }
  std::uint32_t place = 0;  // among the worker's clients

 protected:
  // What was read, with what had been stashed before in front.
  virtual void on_bytes(std::string_view bytes) = 0;
  // The peer sends no more.
  virtual void on_end() = 0;
  // Everything kept has been sent.
  virtual void on_drained() = 0;
  // Reset, or an error while sending or reading, or a failed handshake.
  virtual void on_broken(int error) = 0;
  // connect() or the handshake is done.
  virtual void on_open() {}

  Worker& worker_;
  bool connecting_ = false;

 private:
  enum class Got { bytes, nothing, end, broken };
  // Only while something is stalled, so that idle connections are small.
  struct Held {
    std::string out;  // on its way to the socket, from out_at on
    std::size_t out_at = 0;
    std::string stash;
    std::string plain;  // waits for the handshake
  };
  Held& held();
  void shrink();
  Got read_into(char* buffer, std::size_t size, std::size_t& got);
  Got read_tls(char* buffer, std::size_t size, std::size_t& got);
  void read_rounds();
  void flush();
  void finish_connect();
  bool send_raw(Spans spans);

  int fd_;
  bool readable_ = false;
  bool ended_ = false;  // the kernel said that the peer's end is near
  bool paused_ = false;
  bool redeliver_ = false;  // was resumed: the stash counts as new bytes
  bool end_told_ = false;
  std::unique_ptr<Held> held_;
  std::unique_ptr<TlsSession> tls_;
};

}  // namespace landfall::proxy
