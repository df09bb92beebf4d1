// What outlives a snapshot: targets with their health and idle connections, groups with the list of
// targets that may get requests. Shared by all threads; each thread writes only its own part.
#pragma once

#include <sys/socket.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "proxy/config.h"

namespace landfall::proxy {

// Names a target or a group in cookies; the same in every process.
std::uint64_t digest_of(std::string_view text);

class UpstreamH1;
class UpstreamH2;
class PassThrough;

enum class Health : std::uint8_t { initial, healthy, unhealthy, unavailable };

struct TargetState : std::enable_shared_from_this<TargetState> {
  TargetState(const std::string& group, const Target& spec, unsigned threads);

  const std::string group;
  const std::string id;
  const std::uint16_t port;
  const std::uint64_t digest;  // in cookies
  sockaddr_storage address{};
  socklen_t address_size = 0;

  // Written by the health checker.
  std::atomic<Health> health{Health::initial};
  // Monotonic milliseconds at which slow start began; 0: not in it.
  std::atomic<std::int64_t> slow_start_ms{0};
  // Requests in flight, over all threads.
  std::atomic<int> outstanding{0};

  // A thread's connections to it; the idle ones most recently used first.
  struct alignas(64) Connections {
    UpstreamH1* idle = nullptr;
    UpstreamH1* busy = nullptr;
    unsigned idle_count = 0;
    UpstreamH2* multiplexed = nullptr;  // HTTP/2 connections, all of them
    PassThrough* passing = nullptr;     // of TCP and TLS listeners
    bool ended_unhealthy = false;       // those were reset when it was found unhealthy
  };
  std::vector<Connections> connections;
};

// An immutable list to choose from.
struct Eligible {
  std::vector<std::shared_ptr<TargetState>> targets;
  bool fail_open = false;   // too few are healthy, so all are here
  bool slow_start = false;  // some are in slow start, and some are not
  bool any_registered = false;
};

class GroupState {
 public:
  GroupState(std::string id, unsigned threads) : id_(std::move(id)), threads_(threads) {}

  struct alignas(64) PerThread {
    std::uint64_t seen = 0;
    std::shared_ptr<const Eligible> eligible;
    std::uint32_t cursor = 0;
  };

  const std::string& id() const { return id_; }
  PerThread& thread(unsigned index) { return threads_[index]; }

  // The list as thread `index` sees it now.
  const Eligible& eligible(unsigned index) {
    PerThread& own = threads_[index];
    const std::uint64_t version = version_.load(std::memory_order_acquire);
    if (own.seen != version) refresh(own);
    return *own.eligible;
  }

  // A snapshot's targets; deregistered ones are absent.
  void set_targets(const TargetGroup& spec, std::vector<std::shared_ptr<TargetState>> registered);
  // Some target's health or slow start changed.
  void publish();

 private:
  void refresh(PerThread& own);

  const std::string id_;
  std::vector<PerThread> threads_;
  std::atomic<std::uint64_t> version_{1};
  std::mutex mutex_;  // guards what follows
  std::vector<std::shared_ptr<TargetState>> registered_;
  int minimum_healthy_count_ = 1;
  int minimum_healthy_percentage_ = 0;
  std::shared_ptr<const Eligible> current_ = std::make_shared<Eligible>();
};

}  // namespace landfall::proxy
