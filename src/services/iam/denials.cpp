#include "services/iam/denials.h"

namespace landfall::iam {

void Denials::add(Denial denial) {
  const auto same = std::ranges::find_if(denials_, [&](const Denial& other) {
    return other.action == denial.action && other.resource == denial.resource &&
           other.holder_arn() == denial.holder_arn();
  });
  if (same != denials_.end()) {
    denial.first = same->first;
    denial.count = same->count + 1;
    denials_.erase(same);
  }
  denials_.push_front(std::move(denial));
  if (denials_.size() > kMost) denials_.pop_back();
}

}  // namespace landfall::iam
