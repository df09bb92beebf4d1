// One thread of the data plane: an epoll set, one receive buffer, its listening sockets, and its
// share of every target's connections. Threads share nothing but immutable configurations and the
// lasting states, of which each writes its own part.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "proxy/engine/compiled.h"
#include "proxy/engine/stream.h"
#include "proxy/http1/head.h"

namespace landfall::proxy {

// A worker's hold on a configuration: alive while it is current or some request refers to it.
struct HeldConfig {
  std::shared_ptr<const CompiledConfig> config;
  unsigned users = 0;
};

// A listening socket as a worker gets it; the descriptor stays the sender's.
struct ListenerSocket {
  std::shared_ptr<const io::Fd> fd;
  std::uint32_t slot = 0;  // of the listener
  std::uint32_t node = 0;
  unsigned zone = 0;       // the node's, in the tallies
  std::uint16_t port = 0;  // the listener's, also where it is published elsewhere
  std::shared_ptr<const NetworkNamespace> where;
};

class Acceptor;
class Exchange;

class Worker {
 public:
  Worker(unsigned index, std::uint64_t seed);
  ~Worker();
  Worker(const Worker&) = delete;

  // --- called from other threads
  void start();
  // Replaces configuration and listening sockets; returns when they are in force.
  void adopt(std::shared_ptr<const CompiledConfig> config, std::vector<ListenerSocket> sockets);
  // No new connections; those that are open end with their next answer, idle ones at once if
  // `close_idle`.
  void drain(bool close_idle);
  void stop();
  std::int64_t connections() const { return connection_count_.load(std::memory_order_relaxed); }
  // Runs `work` on the worker's thread, at the top level of its next round. After stop(): never.
  void post(std::function<void()> work);

  // --- for tests without a thread
  void use_for_test(std::shared_ptr<const CompiledConfig> config) { apply(std::move(config), {}); }
  void free_dead_for_test() { free_dead(); }
  int round_for_test() { return round(0); }

  // --- called from its own thread
  static constexpr std::size_t kReceiveSize = 256 << 10;
  static constexpr std::size_t kScratchSize = 160 << 10;

  unsigned index() const { return index_; }
  std::int64_t now_ms() const { return now_ms_; }  // monotonic, of this round
  // Monotonic microseconds, read anew.
  static std::int64_t clock_us();
  // Wall-clock seconds of this round.
  std::int64_t unix_seconds() const { return unix_seconds_; }
  std::uint64_t random();
  Timers& timers() { return timers_; }
  HeldConfig* config() { return current_; }
  void hold(HeldConfig* config) { ++config->users; }
  void release(HeldConfig* config);
  bool draining() const { return draining_; }
  NamespaceVisitor& namespaces() { return visitor_; }

  static constexpr std::size_t kCipherSize = 128 << 10;  // below kReceiveSize less any stash
  char* receive_buffer() { return receive_.get(); }
  char* cipher_buffer() { return cipher_in_.get(); }
  std::string& cipher() { return cipher_out_; }
  char* scratch() { return scratch_.get(); }
  http1::RequestHead& request_head() { return request_head_; }
  http1::ResponseHead& response_head() { return response_head_; }
  std::vector<std::string_view>& spans() { return spans_; }            // of what is received
  std::vector<std::string_view>& send_spans() { return send_spans_; }  // of what is being sent

  bool watch(int fd, Pollable& pollable, std::uint32_t events);
  void unwatch(int fd);
  std::string_view http_date();
  // Calls on_resume() at the end of this round.
  void later(Pollable& pollable);
  // It is about to be deleted by its owner.
  void forget(Pollable& pollable);
  // Deletes it at the end of this round.
  void bury(Pollable& pollable) { dead_.push_back(&pollable); }

  Exchange* new_exchange();
  void free_exchange(Exchange* exchange);

  // Every client connection, for draining and the count.
  void connection_opened(Stream& stream);
  void connection_closed(Stream& stream);

 private:
  struct Wake;
  void run();
  int round(int timeout_ms);  // how many events there were
  void run_mail();
  void free_dead();
  void apply(std::shared_ptr<const CompiledConfig> config, std::vector<ListenerSocket> sockets);
  void retire(std::vector<std::unique_ptr<Acceptor>> acceptors);
  void drop_idle_of_removed(const CompiledConfig& before);
  void expire(const CompiledGroup& group, TargetState& target);
  void expire_draining();
  void expire_removed(const CompiledConfig& before);
  int sleep_ms();

  const unsigned index_;
  int epoll_ = -1;
  std::unique_ptr<char[]> receive_;
  std::unique_ptr<char[]> scratch_;
  std::unique_ptr<char[]> cipher_in_;
  std::string cipher_out_;
  std::int64_t now_ms_;
  std::int64_t unix_seconds_ = 0;
  std::int64_t date_seconds_ = 0;
  std::string date_;
  Timers timers_;
  std::uint64_t random_state_;
  http1::RequestHead request_head_;
  http1::ResponseHead response_head_;
  std::vector<std::string_view> spans_, send_spans_;
  std::vector<Pollable*> ready_;
  std::vector<Pollable*> dead_;
  std::vector<Exchange*> free_exchanges_;
  std::vector<std::unique_ptr<HeldConfig>> configs_;
  HeldConfig* current_ = nullptr;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  NamespaceVisitor visitor_;
  bool draining_ = false;
  bool stopping_ = false;
  std::int64_t next_expiry_ms_ = 0;
  int spin_credit_ = 0;           // grows while waits turn out short
  std::vector<Stream*> clients_;  // each knows its place
  std::atomic<std::int64_t> connection_count_{0};

  std::mutex mail_mutex_;
  std::vector<std::function<void()>> mail_;
  std::unique_ptr<Wake> wake_;
  std::thread thread_;
};

}  // namespace landfall::proxy
