// Filter policies of subscriptions: which messages they want.
// https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
#pragma once

#include "base/record.h"
#include "services/sns/records.h"

namespace landfall::sns {

class FilterPolicy {
 public:
  // Error "filter" with what is wrong. `body`: the policy is for the message's body, and may nest.
  static Result<FilterPolicy> parse(const std::string& text, bool body);
  // `event`: the attributes (see event_of) or the body, an object.
  bool wants(const json::value& event) const;

 private:
  json::object policy_;
};

// The message as its attributes tell it.
json::object event_of(const std::map<std::string, AttributeRecord>& attributes);

}  // namespace landfall::sns
