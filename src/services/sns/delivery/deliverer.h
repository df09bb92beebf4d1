// Takes messages to their subscribers: what is written must be delivered, or given up by the
// policy's rules, whatever happens to the server in between.
#pragma once

#include <set>

#include "http/message.h"
#include "services/sns/service.h"

namespace landfall::sns {

class Deliverer {
 public:
  Deliverer(io::Loop& loop, Sns& sns);
  void start();
  task<void> stop();

 private:
  struct Place {
    Scope scope;
    std::string id;  // message/subscription
    auto operator<=>(const Place&) const = default;
  };
  struct Outcome {
    bool delivered = false;
    bool hopeless = false;  // another attempt would end like this one
    int status = 0;         // HTTP; 0: no answer
    std::string answer;     // for the log of the delivery's status
    std::int64_t dwell_ms = 0;
  };

  void load();
  void add(const Scope& scope, const std::string& message_id);
  task<void> run();
  task<void> keep_house();
  task<void> deliver(Place place, std::string endpoint, bool silent);
  task<Result<void>> attempt_and_note(Place place);
  task<Outcome> attempt(const TopicName& topic, const TopicRecord& record,
                        const MessageRecord& message, const DeliveryRecord& delivery);
  task<Outcome> post(const TopicName& topic, const TopicRecord& record,
                     const MessageRecord& message, const DeliveryRecord& delivery,
                     std::string body);
  task<Outcome> append(const DeliveryRecord& delivery, std::string topic, std::string body);
  task<Result<void>> finish(const Place& place);
  task<void> log_status(TopicName topic, TopicRecord record, MessageRecord message,
                        DeliveryRecord delivery, Outcome outcome);

  io::Loop& loop_;
  Sns& sns_;
  io::TaskScope scope_;
  io::Event changed_;
  struct Due {
    TimePoint at{};
    std::string endpoint;
  };
  bool held_up(const Due& due) const;
  std::map<Place, Due> waiting_;
  std::map<std::string, std::size_t> busy_;  // by endpoint
  std::size_t running_ = 0;
  // Endpoints that gave no answer last time: names that do not resolve keep the pool busy, so few
  // of them are tried at once.
  std::set<std::string> silent_;
  std::size_t silent_running_ = 0;
};

}  // namespace landfall::sns
