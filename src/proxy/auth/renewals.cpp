#include "proxy/auth/renewals.h"

#include "base/bytes.h"

namespace landfall::proxy {
namespace {

// Requests that left the browser before the new cookie reached it.
constexpr std::int64_t kKnownSeconds = 30;
constexpr std::size_t kMostEntries = 10'000;

}  // namespace

Renewals::Turn Renewals::enter(const std::string& refresh_token, std::int64_t now, Done done,
                               LoginResult& result) {
  const std::lock_guard lock(mutex_);
  const auto [found, fresh] = entries_.try_emplace(sha256(refresh_token));
  Entry& entry = found->second;
  if (!fresh && entry.done && now <= entry.until_seconds) {
    result = entry.result;
    return Turn::known;
  }
  if (!fresh && !entry.done) {
    entry.waiting.push_back(std::move(done));
    return Turn::waits;
  }
  entry = {};
  entry.waiting.push_back(std::move(done));
  return Turn::first;
}

void Renewals::finish(const std::string& refresh_token, std::int64_t now,
                      const LoginResult& result) {
  std::vector<Done> waiting;
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(sha256(refresh_token));
    if (found == entries_.end()) return;
    Entry& entry = found->second;
    waiting.swap(entry.waiting);
    entry.done = true;
    // A failure is no answer for those who come later.
    const bool good = result.kind == LoginResult::Kind::success;
    entry.until_seconds = good ? now + kKnownSeconds : 0;
    if (good) entry.result = result;
    std::erase_if(entries_, [&](const auto& each) {
      return each.second.done &&
             (each.second.until_seconds < now || entries_.size() > kMostEntries);
    });
  }
  for (const Done& done : waiting) done(result);
}

}  // namespace landfall::proxy
