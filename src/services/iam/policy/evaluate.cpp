#include "services/iam/policy/evaluate.h"

#include "base/ids.h"

namespace landfall::iam::policy {
namespace {

// How closely a Principal element means the caller.
enum class Named { no, account, everyone, role, exactly };

Named names(const PrincipalMatch& match, const Principal& caller) {
  Named best = match.everyone ? Named::everyone : Named::no;
  if (caller.kind == Principal::Kind::service) {
    const bool listed = std::ranges::find(match.service, caller.name) != match.service.end();
    return listed ? Named::exactly : best;
  }
  // An identity provider vouches for somebody: "*" does not mean just anybody it knows.
  if (caller.kind == Principal::Kind::anonymous && !caller.arn.empty()) {
    const bool listed = std::ranges::find(match.federated, caller.arn) != match.federated.end();
    return listed ? Named::exactly : Named::no;
  }
  for (const std::string& arn : match.aws) {
    if (arn == caller.arn) return Named::exactly;
    if (!caller.role_arn.empty() && arn == caller.role_arn) best = std::max(best, Named::role);
    const bool account =
        arn == caller.account ||
        (arn.ends_with(":root") && arn == fmt::format("arn:aws:iam::{}:root", caller.account));
    if (account) best = std::max(best, Named::account);
  }
  return best;
}

// Each part of an ARN by itself: `*` does not reach over a colon into the next.
bool matches_any_arn(const std::vector<Pattern>& patterns, std::string_view text,
                     const ContextKeys& context) {
  return std::ranges::any_of(
      patterns, [&](const Pattern& pattern) { return pattern.matches_arn(text, context); });
}

struct Asked {
  bool denied = false;
  bool allowed = false;
  Named allowed_as = Named::no;
};

bool matches_any(const std::vector<Pattern>& patterns, std::string_view text,
                 const ContextKeys& context) {
  return std::ranges::any_of(
      patterns, [&](const Pattern& pattern) { return pattern.matches(text, context); });
}

bool concerns(const Statement& statement, std::string_view action, const Question& question) {
  if (matches_any(statement.actions, action, question.context) == statement.not_action)
    return false;
  return statement.resources.empty() || matches_any_arn(statement.resources, question.resource,
                                                        question.context) != statement.not_resource;
}

// Where to note the statements that applied; documents are counted from `document`.
struct Notes {
  std::vector<Match>* matches = nullptr;
  PolicyKind kind = PolicyKind::identity;
  std::size_t document = 0;
};

void ask(const Document& document, const Question& question, std::string_view action, Notes notes,
         Asked& out) {
  for (const Statement& statement : document.statements()) {
    if (statement.allow && out.allowed && !statement.principal && !notes.matches) continue;
    if (!concerns(statement, action, question)) continue;
    Named named = Named::exactly;
    if (statement.principal) {
      named = names(*statement.principal, question.principal);
      if (statement.not_principal) named = named == Named::no ? Named::everyone : Named::no;
      // Nobody escapes a deny for everyone.
      if (named == Named::no && !statement.allow && statement.principal->everyone &&
          !statement.not_principal) {
        named = Named::everyone;
      }
      if (named == Named::no) continue;
    }
    const bool holds = std::ranges::all_of(statement.conditions, [&](const Condition& condition) {
      return condition.holds(question.context);
    });
    if (!holds) continue;
    if (notes.matches) {
      const auto index = std::size_t(&statement - document.statements().data());
      notes.matches->push_back({notes.kind, notes.document, index, statement.allow});
    }
    if (!statement.allow) {
      out.denied = true;
      if (!notes.matches) return;
      continue;
    }
    out.allowed = true;
    out.allowed_as = std::max(out.allowed_as, statement.principal ? named : Named::exactly);
  }
}

Asked ask_all(const Documents& documents, const Question& question, std::string_view action,
              Notes notes) {
  Asked out;
  for (const auto& document : documents) {
    ask(*document, question, action, notes, out);
    if (out.denied && !notes.matches) break;
    ++notes.document;
  }
  return out;
}

}  // namespace

bool concerns(const Statement& statement, const Question& question) {
  return concerns(statement, lower_case(question.action), question);
}

Verdict evaluate(const PolicySet& policies, const Question& question, std::vector<Match>* matches) {
  const std::string action = lower_case(question.action);
  const Principal& caller = question.principal;
  const bool root = caller.kind == Principal::Kind::root;
  const bool same_account =
      policies.resource_account.empty() || policies.resource_account == caller.account;

  const Asked identity =
      ask_all(policies.identity, question, action, {matches, PolicyKind::identity});
  Asked resource;
  if (policies.resource) {
    ask(*policies.resource, question, action, {matches, PolicyKind::resource}, resource);
  }
  Asked boundary;
  if (policies.boundary) {
    ask(*policies.boundary, question, action, {matches, PolicyKind::boundary}, boundary);
  }
  Asked session;
  if (policies.session) {
    session = ask_all(*policies.session, question, action, {matches, PolicyKind::session});
  }

  if (identity.denied) return {false, true, PolicyKind::identity};
  if (resource.denied) return {false, true, PolicyKind::resource};
  if (boundary.denied) return {false, true, PolicyKind::boundary};
  if (session.denied) return {false, true, PolicyKind::session};

  // An AWS service is no identity of the account: only the resource's policy speaks for it.
  if (caller.kind == Principal::Kind::service || caller.kind == Principal::Kind::anonymous) {
    return {resource.allowed, false, PolicyKind::resource};
  }
  // Within the account a resource's policy that names the caller is enough, and one that names the
  // user or the session itself is not limited by what boundary and session policies leave out.
  const bool granted_by_resource = same_account && resource.allowed_as >= Named::everyone;
  if (granted_by_resource && resource.allowed_as == Named::exactly) return {true, false, {}};
  const bool granted_by_identity = root || identity.allowed;
  if (!same_account || policies.trust) {
    if (!resource.allowed) return {false, false, PolicyKind::resource};
  }
  if (!granted_by_identity && !granted_by_resource) return {false, false, PolicyKind::identity};
  if (policies.boundary && !boundary.allowed) return {false, false, PolicyKind::boundary};
  if (policies.session && !session.allowed) return {false, false, PolicyKind::session};
  return {true, false, {}};
}

std::string denial_message(const Question& question, const Verdict& verdict) {
  static constexpr std::array<std::string_view, 4> kNo = {
      "identity-based policy", "resource-based policy", "permissions boundary", "session policy"};
  static constexpr std::array<std::string_view, 4> kDeny = {
      "an identity-based policy", "a resource-based policy", "a permissions boundary",
      "a session policy"};
  const auto kind = std::size_t(verdict.kind);
  const Principal& caller = question.principal;
  const std::string_view who = caller.arn.empty() ? std::string_view("anonymous") : caller.arn;
  std::string out = fmt::format("User: {} is not authorized to perform: {} on resource: {}", who,
                                question.action, question.resource);
  if (verdict.explicit_deny) return out + fmt::format(" with an explicit deny in {}", kDeny[kind]);
  return out + fmt::format(" because no {} allows the {} action", kNo[kind], question.action);
}

}  // namespace landfall::iam::policy
