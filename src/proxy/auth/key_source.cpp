#include "proxy/auth/key_source.h"

#include "base/log.h"
#include "http/client.h"

namespace landfall::proxy {
namespace {

constexpr std::int64_t kFreshSeconds = 300;
constexpr std::int64_t kKeptSeconds = 3600;  // while the provider does not answer
constexpr std::int64_t kFailedSeconds = 1;
constexpr std::int64_t kRetrySeconds = 5;  // between fetches that somebody may provoke

}  // namespace

KeySource::Keys KeySource::current(std::int64_t now) const {
  const std::lock_guard lock(mutex_);
  return now - fetched_seconds_ < kKeptSeconds ? keys_ : nullptr;
}

bool KeySource::ageing(std::int64_t now) const {
  const std::lock_guard lock(mutex_);
  return keys_ && now - fetched_seconds_ >= kFreshSeconds && now - tried_seconds_ >= kRetrySeconds;
}

bool KeySource::may_fetch(std::int64_t now) const {
  const std::lock_guard lock(mutex_);
  return now - tried_seconds_ >= kRetrySeconds;
}

std::string_view KeySource::just_failed(std::int64_t now) const {
  const std::lock_guard lock(mutex_);
  return !fetching_ && now - failed_seconds_ < kFailedSeconds ? failure_ : std::string_view();
}

void KeySource::fetch(Way way, std::int64_t now, Done done) {
  {
    const std::lock_guard lock(mutex_);
    if (done) waiting_.push_back(std::move(done));
    tried_seconds_ = now;
    if (std::exchange(fetching_, true)) return;
  }
  const bool started = outside_->start([self = shared_from_this(), way = std::move(way)](
                                           io::Loop& loop) { return run(loop, self, way); });
  if (!started) finish(nullptr, "JWKSRequestTimeout");
}

task<void> KeySource::run(io::Loop& loop, std::shared_ptr<KeySource> self, Way way) {
  http::Headers headers;
  headers.set("Accept", "application/json");
  const auto answer = co_await http::request(loop, "GET", self->url_, std::move(headers), "",
                                             {.timeout = kOutsideTimeout,
                                              .body_limit = KeySet::kMostBytes,
                                              .network_namespace = way.network_namespace,
                                              .tls = way.tls});
  if (!answer) {
    log::warning("auth", "{}: {}", self->url_, answer.error().message);
    co_return self->finish(nullptr, answer.error().code == "body-too-large"
                                        ? "JWKSResponseSizeExceeded"
                                        : "JWKSRequestTimeout");
  }
  if (answer->status < 200 || answer->status >= 300) {
    log::warning("auth", "{} answers {}", self->url_, answer->status);
    co_return self->finish(nullptr, "JWKSRequestFailed");
  }
  auto keys = KeySet::parse(answer->body);
  if (!keys) {
    log::warning("auth", "{}: {}", self->url_, keys.error().message);
    co_return self->finish(nullptr, keys.error().code == "jwks-too-many-keys"
                                        ? "JWKSResponseSizeExceeded"
                                        : "JWKSInvalidResponse");
  }
  self->finish(std::make_shared<const KeySet>(std::move(*keys)), {});
}

void KeySource::finish(Keys keys, std::string_view reason) {
  std::vector<Done> waiting;
  {
    const std::lock_guard lock(mutex_);
    fetching_ = false;
    waiting.swap(waiting_);
    if (keys) {
      keys_ = keys;
      fetched_seconds_ = ::time(nullptr);
      failure_ = {};
    } else {
      failed_seconds_ = ::time(nullptr);
      failure_ = reason;
    }
  }
  for (const Done& done : waiting) done(keys, reason);
}

}  // namespace landfall::proxy
