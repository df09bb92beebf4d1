// Conditions: what is true of a resource now, and since when. Kept inside the resource's own
// record:
//
//   struct Service { ...; std::vector<reconcile::Condition> conditions; };
//   set_condition(service.conditions, {"Stable", Status::no, "ImagePullFailed", "...", .cause =
//   image}, now);
#pragma once

#include "base/record.h"

namespace landfall::reconcile {

enum class Status { no = 0, yes = 1, unknown = 2 };

struct Condition {
  std::string type;  // "Stable", "Reachable"; a good state, so that `yes` is healthy
  Status status = Status::unknown;
  std::string reason;   // one CamelCase word a program can match: "ImagePullFailed"
  std::string message;  // a sentence for a person
  std::string cause;    // ARN or id of the resource to look at next; may be empty
  TimePoint since{};    // when `status` became what it is
};
LF_RECORD(Condition, type, status, reason, message, cause, since)

using Conditions = std::vector<Condition>;

// Adds or replaces the condition of that type. `since` is set here: it moves only when the status
// changes. True when anything changed and the record should be written.
bool set_condition(Conditions& conditions, Condition condition, TimePoint now);
const Condition* find_condition(const Conditions& conditions, std::string_view type);
bool remove_condition(Conditions& conditions, std::string_view type);
bool is_true(const Conditions& conditions, std::string_view type);

}  // namespace landfall::reconcile
