#include "proxy/engine/worker.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <ctime>
#include <future>

#include "base/check.h"
#include "proxy/engine/acceptor.h"
#include "proxy/engine/client.h"
#include "proxy/engine/exchange.h"
#include "proxy/engine/pass_through.h"
#include "proxy/engine/upstream_h1.h"
#include "proxy/http2/upstream.h"

namespace landfall::proxy {
namespace {

constexpr int kEventsInARound = 256;
constexpr std::int64_t kSpinUs = 50;
constexpr int kSpinCredit = 4;
constexpr std::size_t kSpinConnections = 4;

}  // namespace

// Mail from other threads.
struct Worker::Wake final : Pollable {
  explicit Wake(Worker& to) : worker(to), fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    CHECK(fd.get() >= 0);
  }
  void on_events(std::uint32_t) override {
    std::uint64_t count;
    [[maybe_unused]] const ssize_t ignored = ::read(fd.get(), &count, sizeof count);
    worker.run_mail();
  }
  void on_deadline() override {}
  Worker& worker;
  io::Fd fd;
};

Worker::Worker(unsigned index, std::uint64_t seed)
    : index_(index),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      receive_(new char[kReceiveSize]),
      scratch_(new char[kScratchSize]),
      cipher_in_(new char[kCipherSize]),
      now_ms_(clock_us() / 1000),
      unix_seconds_(::time(nullptr)),
      timers_(now_ms_),
      random_state_(seed | 1) {
  CHECK(epoll_ >= 0);
  wake_ = std::make_unique<Wake>(*this);
  CHECK(watch(wake_->fd.get(), *wake_, EPOLLIN));
  configs_.push_back(std::make_unique<HeldConfig>(std::make_shared<CompiledConfig>()));
  current_ = configs_.back().get();
}

Worker::~Worker() {
  if (thread_.joinable()) stop();
  // Nothing runs any more: what is still open ends here.
  for (const auto& held : configs_) {
    for (const auto& [id, group] : held->config->groups) {
      for (const auto& target : group->registered) {
        UpstreamH1::close_idle(*target, index_);
        UpstreamH2::fail_busy(*target, index_);
      }
    }
  }
  while (!clients_.empty()) {
    Stream* client = clients_.back();
    client->on_deadline();
    if (!client->dead) {
      connection_closed(*client);
      client->close();
    }
  }
  for (std::size_t i = 0; i < dead_.size(); ++i) delete dead_[i];
  acceptors_.clear();
  for (Exchange* exchange : free_exchanges_) delete exchange;
  ::close(epoll_);
}

std::int64_t Worker::clock_us() {
  timespec now;
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * std::int64_t{1'000'000} + now.tv_nsec / 1000;
}

// wyrand
std::uint64_t Worker::random() {
  random_state_ += 0xa0761d6478bd642fULL;
  const __uint128_t product =
      static_cast<__uint128_t>(random_state_) * (random_state_ ^ 0xe7037ed1a0b428dbULL);
  return static_cast<std::uint64_t>(product >> 64) ^ static_cast<std::uint64_t>(product);
}

std::string_view Worker::http_date() {
  if (date_seconds_ != unix_seconds_) {
    date_seconds_ = unix_seconds_;
    date_ = format_http_date(from_unix_ms(unix_seconds_ * 1000));
  }
  return date_;
}

bool Worker::watch(int fd, Pollable& pollable, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &pollable;
  return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0;
}

void Worker::unwatch(int fd) { ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr); }

void Worker::later(Pollable& pollable) {
  if (pollable.on_ready_list) return;
  pollable.on_ready_list = true;
  ready_.push_back(&pollable);
}

void Worker::forget(Pollable& pollable) {
  timers_.remove(pollable);
  if (pollable.on_ready_list) std::erase(ready_, &pollable);
}

Exchange* Worker::new_exchange() {
  if (free_exchanges_.empty()) return new Exchange(*this);
  Exchange* out = free_exchanges_.back();
  free_exchanges_.pop_back();
  return out;
}

void Worker::free_exchange(Exchange* exchange) {
  if (exchange->held != nullptr) release(std::exchange(exchange->held, nullptr));
  if (free_exchanges_.size() >= 256) {
    delete exchange;
    return;
  }
  exchange->reset();
  free_exchanges_.push_back(exchange);
}

void Worker::release(HeldConfig* config) {
  if (--config->users > 0 || config == current_) return;
  std::erase_if(configs_, [&](const auto& held) { return held.get() == config; });
}

void Worker::connection_opened(Stream& stream) {
  stream.place = static_cast<std::uint32_t>(clients_.size());
  clients_.push_back(&stream);
  connection_count_.store(static_cast<std::int64_t>(clients_.size()), std::memory_order_relaxed);
}

void Worker::connection_closed(Stream& stream) {
  if (stream.place >= clients_.size() || clients_[stream.place] != &stream) return;
  clients_[stream.place] = clients_.back();
  clients_[stream.place]->place = stream.place;
  clients_.pop_back();
  connection_count_.store(static_cast<std::int64_t>(clients_.size()), std::memory_order_relaxed);
}

void Worker::start() {
  thread_ = std::thread([this] { run(); });
}

void Worker::post(std::function<void()> work) {
  {
    const std::lock_guard lock(mail_mutex_);
    mail_.push_back(std::move(work));
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t ignored = ::write(wake_->fd.get(), &one, sizeof one);
}

void Worker::run_mail() {
  std::vector<std::function<void()>> mail;
  {
    const std::lock_guard lock(mail_mutex_);
    mail.swap(mail_);
  }
  for (const auto& work : mail) work();
}

void Worker::adopt(std::shared_ptr<const CompiledConfig> config,
                   std::vector<ListenerSocket> sockets) {
  std::promise<void> done;
  post([&] {
    apply(std::move(config), std::move(sockets));
    done.set_value();
  });
  done.get_future().wait();
}

void Worker::apply(std::shared_ptr<const CompiledConfig> config,
                   std::vector<ListenerSocket> sockets) {
  const std::shared_ptr<const CompiledConfig> before = current_->config;
  HeldConfig* former = current_;
  configs_.push_back(std::make_unique<HeldConfig>(std::move(config)));
  current_ = configs_.back().get();
  if (former->users == 0) {
    std::erase_if(configs_, [&](const auto& held) { return held.get() == former; });
  }
  // Sockets that stay keep their place in the epoll set, so that no connection is missed.
  std::vector<std::unique_ptr<Acceptor>> kept;
  for (ListenerSocket& socket : sockets) {
    const auto found = std::find_if(acceptors_.begin(), acceptors_.end(), [&](const auto& each) {
      return each && each->socket().fd == socket.fd;
    });
    if (found != acceptors_.end()) {
      (*found)->set(std::move(socket));
      kept.push_back(std::move(*found));
    } else {
      kept.push_back(std::make_unique<Acceptor>(*this, std::move(socket)));
    }
  }
  acceptors_.swap(kept);
  retire(std::move(kept));
  drop_idle_of_removed(*before);
  expire_removed(*before);
}

void Worker::retire(std::vector<std::unique_ptr<Acceptor>> acceptors) {
  for (auto& each : acceptors) {
    if (each) each.release()->retire();  // from here on the list of the dead owns it
  }
}

void Worker::drop_idle_of_removed(const CompiledConfig& before) {
  std::set<const TargetState*> wanted;
  for (const auto& [id, group] : current_->config->groups) {
    for (const auto& target : group->registered) wanted.insert(target.get());
  }
  for (const auto& [id, group] : before.groups) {
    for (const auto& target : group->registered) {
      if (wanted.contains(target.get())) continue;
      UpstreamH1::close_idle(*target, index_);
      UpstreamH2::close_idle(*target, index_);
    }
  }
}

// The deregistration delay has passed: what is still in flight ends.
void Worker::expire(const CompiledGroup& group, TargetState& target) {
  UpstreamH1::fail_busy(target, index_);
  UpstreamH2::fail_busy(target, index_);
  if (group.spec.end_deregistered) PassThrough::end_all(target, index_);
}

void Worker::expire_draining() {
  const std::int64_t now = unix_seconds_ * 1000;
  for (const auto& [id, group] : current_->config->groups) {
    for (const auto& [target, until] : group->draining) {
      if (now >= until) expire(*group, *target);
    }
    if (!group->spec.end_unhealthy) continue;
    for (const auto& target : group->registered) {
      const bool unhealthy = target->health.load(std::memory_order_relaxed) == Health::unhealthy;
      bool& ended = target->connections[index_].ended_unhealthy;
      // Once: when all are unhealthy, new connections go to it nevertheless.
      if (unhealthy && !ended) PassThrough::end_all(*target, index_);
      ended = unhealthy;
    }
  }
}

// Who configures may take a target away the moment its delay has passed.
void Worker::expire_removed(const CompiledConfig& before) {
  const std::int64_t soon = unix_seconds_ * 1000 + 1000;
  for (const auto& [id, group] : before.groups) {
    if (group->draining.empty()) continue;
    std::set<const TargetState*> kept;
    if (const auto now = current_->config->groups.find(id); now != current_->config->groups.end()) {
      for (const auto& target : now->second->registered) kept.insert(target.get());
      for (const auto& [target, until] : now->second->draining) kept.insert(target.get());
    }
    for (const auto& [target, until] : group->draining) {
      if (until <= soon && !kept.contains(target.get())) expire(*group, *target);
    }
  }
}

void Worker::drain(bool close_idle) {
  post([this, close_idle] {
    draining_ = true;
    retire(std::exchange(acceptors_, {}));
    if (!close_idle) return;
    // A copy: closing changes the list.
    for (Stream* client : std::vector<Stream*>(clients_)) client->drain();
  });
}

void Worker::stop() {
  post([this] { stopping_ = true; });
  if (thread_.joinable()) thread_.join();
}

int Worker::sleep_ms() {
  if (!ready_.empty()) return 0;
  const int wait = timers_.wait_ms(now_ms_);
  return wait < 0 || wait > 1000 ? 1000 : wait;
}

int Worker::round(int timeout_ms) {
  epoll_event events[kEventsInARound];
  const int count = ::epoll_wait(epoll_, events, kEventsInARound, timeout_ms);
  const std::int64_t now_us = clock_us();
  if (now_us / 1000 != now_ms_) {
    now_ms_ = now_us / 1000;
    unix_seconds_ = ::time(nullptr);
  }
  for (int i = 0; i < count; ++i) {
    auto* pollable = static_cast<Pollable*>(events[i].data.ptr);
    if (!pollable->dead) pollable->on_events(events[i].events);
  }
  timers_.advance(now_ms_);
  if (now_ms_ >= next_expiry_ms_) {
    next_expiry_ms_ = now_ms_ + 1000;
    expire_draining();
  }
  if (!ready_.empty()) {
    std::vector<Pollable*> ready;
    ready.swap(ready_);
    for (Pollable* pollable : ready) {
      pollable->on_ready_list = false;
      if (!pollable->dead) pollable->on_resume();
    }
  }
  // Only now: until here events of this round may have named them.
  if (!dead_.empty()) free_dead();
  return count;
}

void Worker::free_dead() {
  std::vector<Pollable*> dead;
  dead.swap(dead_);
  for (Pollable* pollable : dead) {
    if (pollable->on_ready_list) std::erase(ready_, pollable);
    delete pollable;
  }
}

// With few connections it is the latency that counts: waking up takes longer than a round trip on a
// fast network, so a short wait is spent asking again. It stops as soon as waits become long.
void Worker::run() {
  while (!stopping_) {
    const int wait = sleep_ms();
    if (wait > 0 && spin_credit_ > 0 && !clients_.empty() && clients_.size() <= kSpinConnections) {
      const std::int64_t until = clock_us() + kSpinUs;
      int events = 0;
      while (events == 0 && clock_us() < until) events = round(0);
      spin_credit_ = events > 0 ? kSpinCredit : spin_credit_ - 1;
      if (events > 0) continue;
    }
    const std::int64_t before = clock_us();
    if (round(sleep_ms()) > 0 && clock_us() - before < 4 * kSpinUs) spin_credit_ = kSpinCredit;
  }
}

}  // namespace landfall::proxy
