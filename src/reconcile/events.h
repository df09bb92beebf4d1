// Events: what happened to a resource, newest last, the latest kMostEvents of each resource. They
// feed AWS's own event fields (ECS service events, stack events) and `landfall why`.
#pragma once

#include "base/random.h"
#include "base/record.h"
#include "store/store.h"

namespace landfall::reconcile {

inline constexpr std::size_t kMostEvents = 100;

struct ResourceEvent {
  std::string id;       // version 4 UUID; set by EventLog
  TimePoint time{};     // of the first occurrence; set by EventLog
  TimePoint last{};     // of the latest occurrence
  int count = 1;        // occurrences in a row with this reason and message
  std::string reason;   // one CamelCase word: "TaskStarted"
  std::string message;  // as AWS words it where AWS has words for it
  std::string cause;    // ARN or id of the resource that caused it; may be empty
};
LF_RECORD(ResourceEvent, id, time, last, count, reason, message, cause)

class EventLog {
 public:
  EventLog(store::Store& store, const Clock& clock, Random& random)
      : store_(store), clock_(clock), random_(random) {}

  // What a transaction must do to record `event` for `resource` (ARN or id), together with the
  // change that it reports. An event equal to the latest one in reason and message raises its count
  // instead, when it comes within an hour.
  std::vector<store::Operation> operations(const std::string& resource, ResourceEvent event);
  task<Result<void>> record(std::string resource, ResourceEvent event);

  std::vector<ResourceEvent> list(const std::string& resource) const;  // oldest first
  // For the transaction that deletes the resource.
  store::DeletePrefix forget(const std::string& resource) const;

 private:
  store::Store& store_;
  const Clock& clock_;
  Random& random_;
  std::uint64_t sequence_ = 0;
};

}  // namespace landfall::reconcile
