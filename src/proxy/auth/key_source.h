// The keys of one provider, fetched when they are needed and kept; shared by all workers.
#pragma once

#include "proxy/auth/jwt.h"
#include "proxy/auth/outside.h"

namespace landfall::proxy {

class KeySource : public std::enable_shared_from_this<KeySource> {
 public:
  using Keys = std::shared_ptr<const KeySet>;
  // `keys` null: `reason` says why, in the access log's words.
  using Done = std::function<void(Keys keys, std::string_view reason)>;

  KeySource(std::string url, std::shared_ptr<OutsideCalls> outside)
      : url_(std::move(url)), outside_(std::move(outside)) {}

  // Null: there are none, or they are too old.
  Keys current(std::int64_t now_seconds) const;
  // They are not new enough any more: fetch them, while these do.
  bool ageing(std::int64_t now_seconds) const;
  // Would a fetch for a key that is not there be one too many?
  bool may_fetch(std::int64_t now_seconds) const;
  // Why the last fetch failed, if that was a moment ago; empty: fetch.
  std::string_view just_failed(std::int64_t now_seconds) const;
  // One fetch at a time; who comes meanwhile waits for the same one. `done` is called on another
  // thread, or here and now when there is no room for a fetch. Null: nobody waits.
  void fetch(Way way, std::int64_t now_seconds, Done done);

 private:
  static task<void> run(io::Loop& loop, std::shared_ptr<KeySource> self, Way way);
  void finish(Keys keys, std::string_view reason);

  const std::string url_;
  const std::shared_ptr<OutsideCalls> outside_;
  mutable std::mutex mutex_;
  Keys keys_;
  std::int64_t fetched_seconds_ = 0;
  std::int64_t tried_seconds_ = 0;
  std::int64_t failed_seconds_ = 0;
  std::string_view failure_;
  bool fetching_ = false;
  std::vector<Done> waiting_;
};

}  // namespace landfall::proxy
