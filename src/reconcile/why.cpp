#include "reconcile/why.h"

#include <deque>
#include <set>

#include "base/log.h"

namespace landfall::reconcile {

std::string reason_of(std::string_view code) {
  std::string out;
  bool upper = true;
  for (const char c : code) {
    if (c != '-') out += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    upper = c == '-';
  }
  return out;
}

std::vector<Finding> findings_of(const Conditions& conditions) {
  std::vector<Finding> findings;
  for (const Condition& condition : conditions) {
    if (condition.status == Status::yes) continue;
    Finding finding;
    finding.severity = condition.status == Status::no ? Severity::problem : Severity::warning;
    finding.reason = condition.reason;
    finding.message = condition.message;
    finding.since = condition.since;
    if (!condition.cause.empty()) finding.deeper.push_back(condition.cause);
    findings.push_back(std::move(finding));
  }
  return findings;
}

void Why::add(std::string service, Explain explain) {
  explainers_.emplace_back(std::move(service), std::move(explain));
}

task<std::vector<Explanation>> Why::explain(Scope scope, std::string reference) const {
  std::vector<Explanation> found;
  for (const auto& [service, explain] : explainers_) {
    try {
      auto explanation = co_await explain(scope, reference);
      if (explanation) found.push_back(std::move(*explanation));
    } catch (const io::Cancelled&) {
      throw;
    } catch (const std::exception& failure) {
      log::error("why", "{} cannot explain {}: {}", service, reference, failure.what());
    }
  }
  co_return found;
}

task<Result<Answer>> Why::ask(Scope scope, std::string reference) const {
  struct Open {
    std::string reference;
    int depth;
    std::string from;
  };
  Answer answer;
  std::deque<Open> open{{reference, 0, ""}};
  std::set<std::string> asked{reference};
  std::set<std::string> seen;
  while (!open.empty()) {
    const Open next = std::move(open.front());
    open.pop_front();
    auto found = co_await explain(scope, next.reference);
    if (found.empty()) {
      if (next.depth == 0) {
        co_return fail(
            "not-found",
            fmt::format("no resource is called {} in {}; give a name, an id or an ARN as "
                        "the API does, and another region by --region",
                        reference, scope.region),
            404);
      }
      answer.unknown.push_back(next.reference);
      continue;
    }
    for (Explanation& explanation : found) {
      // A name and an ARN may lead to the same resource.
      if (!seen.insert(explanation.resource).second) continue;
      if (answer.steps.size() == kMostSteps) {
        answer.cut_short = true;
        co_return answer;
      }
      const auto follow = [&](const std::string& deeper) {
        if (asked.insert(deeper).second)
          open.push_back({deeper, next.depth + 1, explanation.resource});
      };
      for (const Finding& finding : explanation.findings) {
        for (const std::string& deeper : finding.deeper) follow(deeper);
      }
      for (const std::string& deeper : explanation.depends_on) follow(deeper);
      answer.steps.push_back({std::move(explanation), next.depth, next.from});
    }
  }
  co_return answer;
}

std::vector<Answer::Cause> Answer::causes() const {
  std::set<std::string> with_problems;
  for (const Step& step : steps) {
    for (const Finding& finding : step.explanation.findings) {
      if (finding.severity == Severity::problem) with_problems.insert(step.explanation.resource);
    }
  }
  struct Ranked {
    Severity severity;
    int depth;
    Cause cause;
  };
  std::vector<Ranked> ranked;
  for (const Step& step : steps) {
    for (const Finding& finding : step.explanation.findings) {
      if (finding.severity == Severity::info) continue;
      const bool explained =
          std::any_of(finding.deeper.begin(), finding.deeper.end(), [&](const std::string& deeper) {
            return deeper != step.explanation.resource && with_problems.contains(deeper);
          });
      if (!explained) {
        ranked.push_back({finding.severity, step.depth, {step.explanation.resource, finding}});
      }
    }
  }
  // The order of the walk decides between equals; indices, because libstdc++'s stable_sort wants
  // what clang deprecates.
  std::vector<std::size_t> order(ranked.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const auto rank = [&](std::size_t i) {
      return std::tuple(-static_cast<int>(ranked[i].severity), -ranked[i].depth, i);
    };
    return rank(a) < rank(b);
  });
  std::vector<Cause> found;
  for (std::size_t i : order) found.push_back(std::move(ranked[i].cause));
  return found;
}

std::string format_answer(const Answer& answer) {
  std::string text;
  const auto causes = answer.causes();
  if (causes.empty()) text += "Nothing is known to be wrong.\n";
  for (const Answer::Cause& cause : causes) {
    text += fmt::format("{}: {}: {}\n  {}\n",
                        cause.finding.severity == Severity::problem ? "cause" : "warning",
                        cause.finding.reason, cause.finding.message, cause.resource);
    if (!cause.finding.advice.empty()) text += fmt::format("  do: {}\n", cause.finding.advice);
  }
  text += "\n";
  for (const Answer::Step& step : answer.steps) {
    const std::string indent(static_cast<std::size_t>(step.depth) * 2, ' ');
    text += fmt::format("{}{} {}: {}\n", indent, step.explanation.kind, step.explanation.resource,
                        step.explanation.state);
    for (const Finding& finding : step.explanation.findings) {
      text += fmt::format("{}  - {}: {}\n", indent, finding.reason, finding.message);
    }
  }
  for (const std::string& unknown : answer.unknown) {
    text += fmt::format("{}: not found\n", unknown);
  }
  if (answer.cut_short) text += "More resources are involved than are shown.\n";
  return text;
}

}  // namespace landfall::reconcile
