// Live tails: clients that are told of events as they come in, second by second. Sessions live in
// memory and end with the connection, after three hours or with the server.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartLiveTail.html
#pragma once

#include "io/loop.h"
#include "services/logs/pattern/pattern.h"
#include "services/logs/store.h"

namespace landfall::logs {

// What a session wants to see; shared with the pool's threads.
struct TailFilter {
  std::map<std::int64_t, std::string> groups;  // the engine's number -> ARN
  std::vector<std::string> streams;            // both empty: all
  std::vector<std::string> prefixes;
  std::string pattern_text;
  std::shared_ptr<const Pattern> pattern;  // null: everything

  bool wants(std::int64_t group, std::string_view stream) const;
};

struct TailedEvent {
  std::string group_arn;
  std::string stream;
  std::int64_t time_ms = 0;
  std::int64_t ingestion_ms = 0;
  std::string message;
};

class LiveTail {
 public:
  LiveTail(io::Loop& loop, const Clock& clock, Scope owner, std::string id, TailFilter filter);

  const Scope& owner() const { return owner_; }
  std::shared_ptr<const TailFilter> filter() const { return filter_; }
  // Beyond what an update may hold, events are left out and the update says so.
  void add(std::vector<TailedEvent> events);
  // What to send next: the session's start, then an update each second. Nothing at the end.
  task<std::optional<std::string>> next();

 private:
  enum class Stage { begin, running, ended };
  std::string start_messages() const;
  std::string update_message();

  io::Loop& loop_;
  const Clock& clock_;
  Scope owner_;
  std::string id_;
  std::shared_ptr<const TailFilter> filter_;
  TimePoint ends_;
  Stage stage_ = Stage::begin;
  std::vector<TailedEvent> waiting_;
  std::size_t waiting_bytes_ = 0;
  bool sampled_ = false;
};

class LiveTails {
 public:
  LiveTails(io::Loop& loop, const Clock& clock) : loop_(loop), clock_(clock) {}

  // Error "too-many-sessions". `id`: of the request that asks.
  Result<void> open(const Scope& owner, const std::string& id, TailFilter filter);
  // The session that the request opened: whoever holds it keeps it. Null: there is none.
  std::shared_ptr<LiveTail> take(const std::string& id);
  std::vector<std::shared_ptr<LiveTail>> following(std::int64_t group, std::string_view stream);

 private:
  void forget_ended();
  io::Loop& loop_;
  const Clock& clock_;
  std::map<std::string, std::shared_ptr<LiveTail>> opened_;  // not taken yet
  std::vector<std::weak_ptr<LiveTail>> sessions_;
};

}  // namespace landfall::logs
