// Whether a request is allowed, and if not, by which kind of policy.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
#pragma once

#include "services/iam/policy/document.h"
#include "wire/context.h"

namespace landfall::iam::policy {

using Documents = std::vector<std::shared_ptr<const Document>>;

// Every policy that has a say in one request.
struct PolicySet {
  Documents identity;                        // attached to and inline in the caller
  std::shared_ptr<const Document> boundary;  // null: none
  std::optional<Documents> session;          // absent: none; several: one of them must allow
  std::shared_ptr<const Document> resource;  // of the resource; null: none
  std::string resource_account;              // empty: the caller's
  // The resource's own policy alone decides, as for role trust policies: identity policies are not
  // asked within the account when the policy names the caller itself.
  bool trust = false;
};

struct Question {
  std::string action;    // "ecs:RunTask"
  std::string resource;  // ARN or "*"
  const ContextKeys& context;
  const Principal& principal;
};

enum class PolicyKind { identity, resource, boundary, session };

struct Verdict {
  bool allowed = false;
  bool explicit_deny = false;
  PolicyKind kind = PolicyKind::identity;  // who denied, or who failed to allow
};

// A statement that applied to the question.
struct Match {
  PolicyKind kind = PolicyKind::identity;
  std::size_t document = 0;   // in PolicySet's list of that kind
  std::size_t statement = 0;  // in the document
  bool allow = false;
};

// matches: filled with every statement that applied, for explanations; slower.
Verdict evaluate(const PolicySet& policies, const Question& question,
                 std::vector<Match>* matches = nullptr);

// Does the statement speak of this action and resource, whatever its conditions?
bool concerns(const Statement& statement, const Question& question);

// "User: arn:... is not authorized to perform: ecs:RunTask on resource: arn:... because no
// identity-based policy allows the ecs:RunTask action"
std::string denial_message(const Question& question, const Verdict& verdict);

}  // namespace landfall::iam::policy
