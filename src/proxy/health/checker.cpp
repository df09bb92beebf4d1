#include "proxy/health/checker.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "proxy/engine/worker.h"
#include "proxy/log/health_check_log.h"

namespace landfall::proxy {
namespace {

std::int64_t now_ms() { return Worker::clock_us() / 1000; }
std::int64_t unix_ms() { return to_unix_ms(SystemClock().now()); }

std::string key_of(std::string_view group, std::string_view target, std::uint16_t port) {
  return fmt::format("{}|{}|{}", group, target, port);
}

// The balancer that forwards to the group: its first node is where the checks come from.
const CompiledBalancer* origin_of(const CompiledConfig& config, const CompiledGroup& group) {
  for (const auto& listener : config.listeners) {
    if (!listener || listener->balancer->namespaces.empty()) continue;
    for (const CompiledRule& rule : listener->rules) {
      for (const WeightedGroup& each : rule.action.spec.groups) {
        if (each.group == group.spec.id) return listener->balancer;
      }
    }
  }
  return nullptr;
}

std::string_view type_of(const ProbeSpec& spec) {
  if (spec.version == ProtocolVersion::grpc) return "grpc";
  if (spec.version == ProtocolVersion::http2) return "h2";
  return spec.check.protocol == Protocol::https ? "https" : "http";
}

// docs: load-balancer-health-check-logs, error reason codes
std::string_view reason_of(const CheckResult& result, const ProbeSpec& spec) {
  switch (result.kind) {
    case CheckResult::Kind::passed:
      return "";
    case CheckResult::Kind::timed_out:
      return "TimedOut";
    case CheckResult::Kind::failed:
      return "ConnectionReset";
    case CheckResult::Kind::not_begun:
      return "InternalError";
    case CheckResult::Kind::code_mismatch:
      if (spec.version == ProtocolVersion::grpc) return "GRPCUnexpectedStatus";
      return result.code >= 500 ? "TargetError" : "ResponseCodeMismatch";
  }
  return "InternalError";
}

// "arn:...:targetgroup/web/0123" is "web".
std::string name_of_group(std::string_view id) {
  const std::size_t first = id.find('/');
  if (first == std::string_view::npos) return std::string(id);
  return std::string(id.substr(first + 1, id.find('/', first + 1) - first - 1));
}

std::string address_of(const TargetState& target, const HealthCheck& check) {
  sockaddr_storage address = target.address;
  const PeerAddress peer = PeerAddress::of(address);
  return fmt::format("{}{}{}:{}", peer.is_v4() ? "" : "[", peer.str(), peer.is_v4() ? "" : "]",
                     check.port != 0 ? check.port : target.port);
}

}  // namespace

struct HealthChecker::Group {
  std::shared_ptr<GroupState> state;
  ProbeSpec spec;
  int slow_start_seconds = 0;
  std::string name;
  std::shared_ptr<HealthCheckLog> log;  // absent: off
};

struct HealthChecker::Check {
  std::shared_ptr<TargetState> target;
  Group* group = nullptr;
  Verdict verdict;
  std::int64_t since_ms = 0;
  std::int64_t begun_ms = 0;
  std::int64_t begun_us = 0;
  std::unique_ptr<Probe> probe;
  std::multimap<std::int64_t, Check*>::iterator entry;
  bool scheduled = false;
};

HealthChecker::HealthChecker()
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  CHECK(epoll_ >= 0 && wake_ >= 0);
  epoll_event event{};
  event.events = EPOLLIN;
  CHECK(::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) == 0);
  thread_ = std::thread([this] { run(); });
}

HealthChecker::~HealthChecker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t ignored = ::write(wake_, &one, sizeof one);
  thread_.join();
  checks_.clear();
  ::close(wake_);
  ::close(epoll_);
}

void HealthChecker::inherit(const std::vector<TargetHealth>& found) {
  const std::lock_guard lock(mutex_);
  for (const TargetHealth& each : found) {
    if (each.state == "healthy")
      inherited_[key_of(each.group, each.target, each.port)] = Health::healthy;
    if (each.state == "unhealthy")
      inherited_[key_of(each.group, each.target, each.port)] = Health::unhealthy;
  }
}

void HealthChecker::schedule(Check& check, std::int64_t at_ms) {
  if (check.scheduled) due_.erase(check.entry);
  check.entry = due_.emplace(at_ms, &check);
  check.scheduled = true;
}

void HealthChecker::adopt(std::shared_ptr<const CompiledConfig> config) {
  const std::lock_guard lock(mutex_);
  std::set<const TargetState*> wanted;
  std::set<std::string> groups;
  for (const auto& [id, compiled] : config->groups) {
    const auto from = origin_of(*config, *compiled);
    const bool checked = compiled->spec.health_check.enabled && from != nullptr;
    if (!checked) {
      for (const auto& target : compiled->registered)
        target->health =
            compiled->spec.health_check.enabled ? Health::initial : Health::unavailable;
      compiled->state->publish();
      continue;
    }
    groups.insert(id);
    for (const auto& target : compiled->registered) wanted.insert(target.get());
    update_group(*compiled, *from);
  }
  std::erase_if(checks_, [&](auto& each) {
    if (wanted.contains(each.first)) return false;
    if (each.second->scheduled) due_.erase(each.second->entry);
    return true;
  });
  std::erase_if(groups_, [&](const auto& each) { return !groups.contains(each.first); });
  inherited_.clear();
  config_ = std::move(config);
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t ignored = ::write(wake_, &one, sizeof one);
}

void HealthChecker::update_group(const CompiledGroup& compiled, const CompiledBalancer& from) {
  auto& group = groups_[compiled.spec.id];
  if (!group) group = std::make_unique<Group>();
  group->state = compiled.state;
  group->slow_start_seconds = compiled.spec.slow_start_seconds;
  group->name = name_of_group(compiled.spec.id);
  group->log = from.health_check_log;
  auto matcher = CodeMatcher::parse(compiled.spec.health_check.matcher);
  // Nothing matches then, which is what the report will say.
  group->spec = {.check = compiled.spec.health_check,
                 .matcher = matcher ? *matcher : CodeMatcher(),
                 .version = compiled.spec.version,
                 .from = from.namespaces[0]};
  for (const auto& target : compiled.registered) {
    auto& check = checks_[target.get()];
    if (!check) {
      check = std::make_unique<Check>();
      check->target = target;
      check->since_ms = unix_ms();
      const auto known = inherited_.find(key_of(compiled.spec.id, target->id, target->port));
      if (known != inherited_.end()) check->verdict.restore(known->second);
      schedule(*check, now_ms());
    }
    check->group = group.get();
    target->health = check->verdict.health();
  }
  group->state->publish();
}

void HealthChecker::begin(Check& check) {
  check.begun_us = Worker::clock_us();
  check.begun_ms = check.begun_us / 1000;
  check.probe = std::make_unique<Probe>(check.group->spec, *check.target, visitor_);
  if (check.probe->done()) return take_result(check);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = check.target.get();
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, check.probe->fd(), &event) < 0) {
    check.probe->time_out();
    return take_result(check);
  }
  schedule(check, check.begun_ms + std::int64_t{1000} * check.group->spec.check.timeout_seconds);
}

void HealthChecker::take_result(Check& check) {
  const CheckResult result = check.probe->result();
  check.probe.reset();
  if (check.group->log) log_result(check, result);
  const Health before = check.verdict.health();
  if (check.verdict.take(result, check.group->spec.check)) {
    check.since_ms = unix_ms();
    const Health now = check.verdict.health();
    if (now == Health::healthy && check.group->slow_start_seconds > 0)
      check.target->slow_start_ms = now_ms();
    if (now == Health::unhealthy) check.target->slow_start_ms = 0;
    check.target->health = now;
    check.group->state->publish();
    log::info("health", "{} {}:{} {} -> {}", check.target->group, check.target->id,
              check.target->port, health_text(before), health_text(now));
  }
  // The interval does not depend on how long an answer takes.
  const std::int64_t next =
      check.begun_ms + std::int64_t{1000} * check.group->spec.check.interval_seconds;
  schedule(check, std::max(next, now_ms()));
}

void HealthChecker::log_result(const Check& check, const CheckResult& result) {
  const Group& group = *check.group;
  HealthCheckLine line{.type = type_of(group.spec),
                       .duration_us = Worker::clock_us() - check.begun_us,
                       .target = address_of(*check.target, group.spec.check),
                       .group = group.name,
                       .passed = result.kind == CheckResult::Kind::passed,
                       .code = result.code,
                       .reason = reason_of(result, group.spec)};
  line.begun_us = std::chrono::duration_cast<std::chrono::microseconds>(
                      std::chrono::system_clock::now().time_since_epoch())
                      .count() -
                  line.duration_us;
  group.log->push(std::move(line));
}

void HealthChecker::end_slow_starts(std::int64_t now) {
  for (const auto& [target, check] : checks_) {
    const std::int64_t since = target->slow_start_ms.load();
    if (since == 0 || now - since < std::int64_t{1000} * check->group->slow_start_seconds) continue;
    check->target->slow_start_ms = 0;
    check->group->state->publish();
  }
}

int HealthChecker::wait_ms() const {
  if (due_.empty()) return 1000;
  return static_cast<int>(std::clamp<std::int64_t>(due_.begin()->first - now_ms(), 0, 1000));
}

void HealthChecker::run() {
  std::unique_lock lock(mutex_);
  std::int64_t next_sweep = 0;
  while (!stopping_) {
    const int wait = wait_ms();
    lock.unlock();
    epoll_event events[128];
    const int count = ::epoll_wait(epoll_, events, 128, wait);
    lock.lock();
    for (int i = 0; i < count; ++i) {
      const auto* target = static_cast<const TargetState*>(events[i].data.ptr);
      if (target == nullptr) {
        std::uint64_t woken;
        [[maybe_unused]] const ssize_t ignored = ::read(wake_, &woken, sizeof woken);
        continue;
      }
      // It may have gone while the lock was open.
      const auto known = checks_.find(target);
      if (known == checks_.end() || !known->second->probe) continue;
      Check* check = known->second.get();
      check->probe->on_events(events[i].events);
      if (check->probe->done()) take_result(*check);
    }
    const std::int64_t now = now_ms();
    while (!due_.empty() && due_.begin()->first <= now) {
      Check& check = *due_.begin()->second;
      due_.erase(due_.begin());
      check.scheduled = false;
      if (check.probe) {
        check.probe->time_out();
        take_result(check);
      } else {
        begin(check);
      }
    }
    if (now >= next_sweep) {
      end_slow_starts(now);
      next_sweep = now + 1000;
    }
  }
}

std::vector<TargetHealth> HealthChecker::report() const {
  const std::lock_guard lock(mutex_);
  std::vector<TargetHealth> out;
  if (!config_) return out;
  const std::int64_t now = unix_ms();
  for (const auto& [id, group] : config_->groups) {
    for (const Target& target : group->spec.targets) {
      TargetHealth one{.group = id, .target = target.id, .port = target.port};
      if (target.deregistered_ms != 0) {
        one.since_ms = target.deregistered_ms;
        const std::int64_t until =
            target.deregistered_ms + std::int64_t{1000} * group->spec.deregistration_delay_seconds;
        if (now < until) {
          one.state = "draining";
          one.reason = "Target.DeregistrationInProgress";
          one.description = "Target deregistration is in progress";
        } else {
          one.state = "unused";
          one.reason = "Target.NotRegistered";
          one.description = "Target is not registered to the target group";
        }
      } else if (!group->used) {
        one.state = "unused";
        one.reason = "Target.NotInUse";
        one.description =
            "Target group is not configured to receive traffic from the load balancer";
      } else if (!group->spec.health_check.enabled) {
        one.state = "unavailable";
        one.reason = "Target.HealthCheckDisabled";
        one.description = "Health checks are not enabled for this target";
      } else {
        for (const auto& state : group->registered) {
          if (state->id != target.id || state->port != target.port) continue;
          const auto check = checks_.find(state.get());
          if (check == checks_.end()) continue;
          check->second->verdict.describe(one);
          one.since_ms = check->second->since_ms;
        }
      }
      out.push_back(std::move(one));
    }
  }
  return out;
}

}  // namespace landfall::proxy
