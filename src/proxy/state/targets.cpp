#include "proxy/state/targets.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/bytes.h"

namespace landfall::proxy {

// In cookies: the same in every process that has the same targets.
std::uint64_t digest_of(std::string_view text) {
  const std::string digest = sha256(text);
  std::uint64_t out;
  std::memcpy(&out, digest.data(), sizeof out);
  return out;
}

TargetState::TargetState(const std::string& group_id, const Target& spec, unsigned threads)
    : group(group_id),
      id(spec.id),
      port(spec.port),
      digest(digest_of(fmt::format("{}|{}|{}", group_id, spec.id, spec.port))),
      connections(threads) {
  auto& v4 = reinterpret_cast<sockaddr_in&>(address);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
  if (inet_pton(AF_INET, spec.address.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(spec.port);
    address_size = sizeof v4;
  } else if (inet_pton(AF_INET6, spec.address.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(spec.port);
    address_size = sizeof v6;
  }
}

void GroupState::set_targets(const TargetGroup& spec,
                             std::vector<std::shared_ptr<TargetState>> registered) {
  {
    const std::lock_guard lock(mutex_);
    registered_ = std::move(registered);
    minimum_healthy_count_ = spec.minimum_healthy_count;
    minimum_healthy_percentage_ = spec.minimum_healthy_percentage;
  }
  publish();
}

void GroupState::publish() {
  const std::lock_guard lock(mutex_);
  auto next = std::make_shared<Eligible>();
  next->any_registered = !registered_.empty();
  for (const auto& target : registered_) {
    const Health health = target->health.load(std::memory_order_acquire);
    if (health == Health::healthy || health == Health::unavailable) next->targets.push_back(target);
  }
  const auto healthy = static_cast<int>(next->targets.size());
  const auto all = static_cast<int>(registered_.size());
  // docs: target-group-health, "unhealthy state routing failover"
  if (healthy < minimum_healthy_count_ || healthy * 100 < all * minimum_healthy_percentage_) {
    next->targets = registered_;
    next->fail_open = true;
  } else {
    std::size_t slow = 0;
    for (const auto& target : next->targets) slow += target->slow_start_ms.load() != 0;
    // Without a target that is past its slow start there is nobody to spare the new ones.
    next->slow_start = slow > 0 && slow < next->targets.size();
  }
  current_ = std::move(next);
  version_.fetch_add(1, std::memory_order_release);
}

void GroupState::refresh(PerThread& own) {
  const std::lock_guard lock(mutex_);
  own.seen = version_.load(std::memory_order_relaxed);
  own.eligible = current_;
}

}  // namespace landfall::proxy
