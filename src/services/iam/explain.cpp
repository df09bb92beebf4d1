#include "services/iam/explain.h"

namespace landfall::iam {
namespace {

constexpr std::size_t kMostFindings = 10;
// What was refused longer ago may not matter any more.
constexpr std::chrono::minutes kFresh(15);

// "arn:aws:sts::1:assumed-role/app/session" and the like, as the ARN of what IAM keeps.
std::optional<Holder> resolve(const Iam& iam, const std::string& account,
                              const std::string& reference) {
  if (const auto arn = Arn::parse(reference)) {
    constexpr std::string_view kSession = "assumed-role/";
    if (arn->service == "sts" && arn->resource.starts_with(kSession)) {
      const std::string rest = arn->resource.substr(kSession.size());
      return find_role_holder(iam, arn->account, rest.substr(0, rest.find('/')));
    }
    return find_holder(iam, reference);
  }
  if (const auto key = iam.access_keys().get(reference); key && !key->value.user.empty()) {
    return find_user_holder(iam, key->value.account, key->value.user);
  }
  if (auto role = find_role_holder(iam, account, reference)) return role;
  return find_user_holder(iam, account, reference);
}

std::string statement(const Denial& denial) {
  json::object out{{"Effect", "Allow"}, {"Action", denial.action}, {"Resource", denial.resource}};
  return json::serialize(json::object{{"Version", "2012-10-17"}, {"Statement", json::array{out}}});
}

std::string policy_name(const std::string& action) {
  std::string out = "allow-" + action;
  std::ranges::replace(out, ':', '-');
  return out;
}

std::string advice(const Denial& denial, const policy::Verdict& verdict, const Holder& holder) {
  const Principal& who = holder.principal;
  const bool role = !who.role_arn.empty();
  if (verdict.explicit_deny) {
    return denial.source.empty()
               ? "remove or narrow the statement with \"Effect\": \"Deny\" that speaks of it"
               : fmt::format(
                     "remove or narrow the statement with \"Effect\": \"Deny\" that speaks of it "
                     "in "
                     "{}",
                     denial.source);
  }
  switch (verdict.kind) {
    case policy::PolicyKind::identity:
      return fmt::format(
          "aws iam put-{0}-policy --{0}-name {1} --policy-name {2} "
          "--policy-document '{3}'",
          role ? "role" : "user", who.name, policy_name(denial.action), statement(denial));
    case policy::PolicyKind::boundary:
      return fmt::format("the permissions boundary {} must allow it too: {}", holder.boundary_arn,
                         statement(denial));
    case policy::PolicyKind::session:
      return "the session policy given to AssumeRole must allow it too: " + statement(denial);
    case policy::PolicyKind::resource:
      return fmt::format("the policy of {} must allow it to {}", denial.resource,
                         role ? who.role_arn : who.arn);
  }
  return {};
}

policy::Question question_of(const Denial& denial) {
  return {denial.action, denial.resource, denial.context, denial.principal};
}

}  // namespace

std::optional<Refusal> read_refusal(std::string_view text) {
  constexpr std::string_view kUser = "User: ", kAction = " is not authorized to perform: ",
                             kResource = " on resource: ";
  const std::size_t user = text.find(kUser);
  const std::size_t action = text.find(kAction);
  if (user == std::string_view::npos || action == std::string_view::npos || action < user)
    return {};
  Refusal out;
  const std::size_t name = user + kUser.size();
  out.who = text.substr(name, action - name);
  std::string_view rest = text.substr(action + kAction.size());
  out.action = rest.substr(0, rest.find_first_of(" \n"));
  rest.remove_prefix(out.action.size());
  if (rest.starts_with(kResource)) {
    rest.remove_prefix(kResource.size());
    out.resource = rest.substr(0, rest.find_first_of(" \n"));
  }
  if (out.who.empty() || out.action.empty()) return {};
  return out;
}

task<std::optional<reconcile::Explanation>> explain(Identities& identities, Iam& iam, Scope scope,
                                                    std::string reference) {
  const auto pasted = read_refusal(reference);
  const auto holder = resolve(iam, scope.account, pasted ? pasted->who : reference);
  if (!holder) co_return std::nullopt;
  const Principal& who = holder->principal;
  const bool role = !who.role_arn.empty();
  reconcile::Explanation out;
  out.resource = role ? who.role_arn : who.arn;
  out.kind = role ? "IAM role" : "IAM user";
  int repaired = 0;
  for (const Denial& denial : identities.denials().latest()) {
    if (denial.holder_arn() != out.resource) continue;
    if (pasted && (denial.action != pasted->action || denial.resource != pasted->resource))
      continue;
    // Somebody may have repaired it meanwhile.
    const auto now = identities.ask_again(denial);
    const bool session_refused = denial.verdict.kind == policy::PolicyKind::session;
    if (now && now->allowed && !session_refused) {
      ++repaired;
      continue;
    }
    const policy::Verdict& verdict = now && !session_refused ? *now : denial.verdict;
    if (out.findings.size() == kMostFindings) break;
    out.findings.push_back(
        {.severity = iam.clock.now() - denial.last < kFresh ? reconcile::Severity::problem
                                                            : reconcile::Severity::warning,
         .reason = "AccessDenied",
         .message = fmt::format("{} ({} time{}, last {})",
                                policy::denial_message(question_of(denial), verdict), denial.count,
                                denial.count == 1 ? "" : "s", format_iso8601(denial.last)),
         .advice = advice(denial, verdict, *holder),
         .since = denial.first});
  }
  if (pasted && out.findings.empty() && repaired == 0) {
    // It was before this server started, or on another one: asked anew.
    const Denial denial{.principal = who,
                        .action = pasted->action,
                        .resource = pasted->resource.empty() ? "*" : pasted->resource};
    const auto now = identities.ask_again(denial);
    if (now && !now->allowed) {
      out.findings.push_back({.reason = "AccessDenied",
                              .message = policy::denial_message(question_of(denial), *now),
                              .advice = advice(denial, *now, *holder)});
    } else if (now) {
      ++repaired;
    }
  }
  out.state = fmt::format(
      "{} policies{}{}", holder->policies.size(),
      holder->boundary_arn.empty() ? "" : ", boundary " + holder->boundary_arn,
      repaired ? fmt::format(", {} refusals of before are allowed now", repaired) : std::string());
  co_return out;
}

}  // namespace landfall::iam
