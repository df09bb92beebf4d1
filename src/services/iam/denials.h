// What was refused lately: `landfall why` tells from it which statement is missing. In memory only.
#pragma once

#include <deque>

#include "services/iam/policy/evaluate.h"

namespace landfall::iam {

struct Denial {
  Principal principal;
  std::string action;
  std::string resource;
  policy::ContextKeys context;  // as it was evaluated
  std::shared_ptr<const policy::Document> resource_policy;
  std::string resource_account;
  bool resource_policy_decides = false;
  policy::Verdict verdict;
  std::string source;  // of the policy that denied explicitly
  TimePoint first{};
  TimePoint last{};
  int count = 1;

  // Whose rights decide: the role behind a session.
  const std::string& holder_arn() const {
    return principal.role_arn.empty() ? principal.arn : principal.role_arn;
  }
};

class Denials {
 public:
  static constexpr std::size_t kMost = 256;
  // The same refusal again raises the count of the one before.
  void add(Denial denial);
  const std::deque<Denial>& latest() const { return denials_; }  // newest first

 private:
  std::deque<Denial> denials_;
};

}  // namespace landfall::iam
