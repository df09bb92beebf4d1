// `landfall why RESOURCE`: walks from a resource along what it depends on to the causes of what is
// wrong with it. Each service registers one explainer; explainers know their own resources only and
// name others by ARN or id.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "io/loop.h"
#include "reconcile/condition.h"

namespace landfall::reconcile {

enum class Severity { info, warning, problem };

struct Finding {
  Severity severity = Severity::problem;
  std::string reason;                    // "SecurityGroupRuleMissing"
  std::string message;                   // one sentence: what is wrong, with the names involved
  std::string advice = {};               // one command or sentence that repairs it
  std::vector<std::string> deeper = {};  // ARNs or ids that cause it; none: this is a root cause
  TimePoint since{};
};

struct Explanation {
  std::string resource;  // canonical: the ARN where there is one
  std::string kind;      // "ECS service"
  std::string state;     // in AWS's words: "ACTIVE, 0 of 1 running"
  std::vector<Finding> findings;
  std::vector<std::string> depends_on;  // looked at too, even when no finding points there
};

// An error's code as a reason: "no-ingress-rule" -> "NoIngressRule".
std::string reason_of(std::string_view code);

// A resource's conditions as findings: every condition that is not `yes`.
std::vector<Finding> findings_of(const Conditions& conditions);

struct Answer {
  struct Step {
    Explanation explanation;
    int depth = 0;             // 0: what was asked for
    std::string reached_from;  // resource
  };
  std::vector<Step> steps;           // breadth first
  std::vector<std::string> unknown;  // references that no explainer knows
  bool cut_short = false;            // more than kMostSteps resources

  struct Cause {
    std::string resource;
    Finding finding;
  };
  // Problems that no deeper problem explains, then warnings; the deepest first.
  std::vector<Cause> causes() const;
};

class Why {
 public:
  static constexpr std::size_t kMostSteps = 200;
  // `reference`: an ARN, an id ("sg-0123") or a bare name as a person types it. None: not a
  // resource of this service.
  using Explain =
      std::function<task<std::optional<Explanation>>(Scope scope, std::string reference)>;

  void add(std::string service, Explain explain);
  // Error "not-found" when nobody knows `reference`. An explainer that throws is logged and passed
  // over.
  task<Result<Answer>> ask(Scope scope, std::string reference) const;

 private:
  task<std::vector<Explanation>> explain(Scope scope, std::string reference) const;
  std::vector<std::pair<std::string, Explain>> explainers_;
};

// As printed in a terminal: the causes first, then the way there.
std::string format_answer(const Answer& answer);

}  // namespace landfall::reconcile
