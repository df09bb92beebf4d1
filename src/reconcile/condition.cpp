#include "reconcile/condition.h"

namespace landfall::reconcile {

bool set_condition(Conditions& conditions, Condition condition, TimePoint now) {
  for (Condition& old : conditions) {
    if (old.type != condition.type) continue;
    const bool same_status = old.status == condition.status;
    if (same_status && old.reason == condition.reason && old.message == condition.message &&
        old.cause == condition.cause) {
      return false;
    }
    condition.since = same_status ? old.since : now;
    old = std::move(condition);
    return true;
  }
  condition.since = now;
  conditions.push_back(std::move(condition));
  return true;
}

const Condition* find_condition(const Conditions& conditions, std::string_view type) {
  for (const Condition& condition : conditions) {
    if (condition.type == type) return &condition;
  }
  return nullptr;
}

bool remove_condition(Conditions& conditions, std::string_view type) {
  return std::erase_if(conditions, [&](const Condition& c) { return c.type == type; }) != 0;
}

bool is_true(const Conditions& conditions, std::string_view type) {
  const Condition* found = find_condition(conditions, type);
  return found != nullptr && found->status == Status::yes;
}

}  // namespace landfall::reconcile
