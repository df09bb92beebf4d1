// operations: SimulateCustomPolicy, SimulatePrincipalPolicy
// operations: GetContextKeysForCustomPolicy, GetContextKeysForPrincipalPolicy
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_testing-policies.html
#include "services/iam/entities.h"
#include "services/iam/holders.h"
#include "services/iam/policy/evaluate.h"
#include "services/iam/policy/position.h"

namespace landfall::iam {
namespace {

// What both simulations have in common.
struct Simulation {
  std::vector<std::pair<std::string, std::string>>
      texts;  // source id and text of each identity policy
  policy::PolicySet policies;
  std::string resource_text;
  Principal caller;
  policy::ContextKeys context;
  std::set<std::string> given;  // names of context keys, lower case
};

Result<std::shared_ptr<const policy::Document>> parse(const std::string& text,
                                                      policy::DocumentKind kind) {
  auto parsed = policy::Document::parse(text, kind);
  if (!parsed) return errors::invalid_input(parsed.error().message);
  return parsed;
}

Result<void> add_identity_policy(Simulation& out, std::string id, const std::string& text) {
  LF_TRY(document, parse(text, policy::DocumentKind::identity));
  out.policies.identity.push_back(document);
  out.texts.emplace_back(std::move(id), text);
  return {};
}

void give(Simulation& out, const std::string& key, std::vector<std::string> values) {
  out.given.insert(policy::lower_case(key));
  out.context.set(key, std::move(values));
}

// Who asks decides what policy variables stand for.
void give_caller(Simulation& out, TimePoint now) {
  const Principal& who = out.caller;
  const bool session = who.kind == Principal::Kind::assumed_role;
  give(out, "aws:PrincipalAccount", {who.account});
  give(out, "aws:CurrentTime", {format_iso8601(now)});
  give(out, "aws:EpochTime", {std::to_string(to_unix_ms(now) / 1000)});
  if (who.arn.empty() && who.role_arn.empty()) return;
  give(out, "aws:PrincipalArn", {session ? who.role_arn : who.arn});
  give(out, "aws:userid", {who.user_id});
  if (who.kind == Principal::Kind::user) give(out, "aws:username", {who.name});
}

template <class In>
Result<void> read_request(Simulation& out, const In& in, const RequestContext& ctx) {
  for (std::size_t i = 0; i < in.policy_input_list.size(); ++i) {
    LF_OK(add_identity_policy(out, fmt::format("PolicyInputList.{}", i + 1),
                              in.policy_input_list[i]));
  }
  for (const std::string& text : in.permissions_boundary_policy_input_list) {
    LF_TRY(document, parse(text, policy::DocumentKind::identity));
    out.policies.boundary = document;
  }
  if (in.resource_policy) {
    LF_TRY(document, parse(*in.resource_policy, policy::DocumentKind::resource));
    out.policies.resource = document;
    out.resource_text = *in.resource_policy;
  }
  if (in.resource_owner) {
    const auto arn = Arn::parse(*in.resource_owner);
    out.policies.resource_account = arn ? arn->account : *in.resource_owner;
  }
  give_caller(out, ctx.now);
  for (const ContextEntry& entry : in.context_entries) {
    if (!entry.context_key_name) continue;
    give(
        out, *entry.context_key_name,
        std::vector<std::string>(entry.context_key_values.begin(), entry.context_key_values.end()));
  }
  return {};
}

Statement to_statement(std::string id, std::string_view text, const policy::Match& match) {
  Statement out{.source_policy_id = std::move(id), .source_policy_type = "IAM Policy"};
  if (const auto span = policy::find_statement(text, match.statement)) {
    out.start_position = Position{.line = span->begin.line, .column = span->begin.column};
    out.end_position = Position{.line = span->end.line, .column = span->end.column};
  }
  return out;
}

EvaluationResult evaluate_one(const Simulation& simulation, const std::string& action,
                              const std::string& resource) {
  const policy::Question question{action, resource, simulation.context, simulation.caller};
  std::vector<policy::Match> matches;
  const policy::Verdict verdict = policy::evaluate(simulation.policies, question, &matches);
  EvaluationResult out{.eval_action_name = action,
                       .eval_resource_name = resource,
                       .eval_decision = verdict.allowed         ? "allowed"
                                        : verdict.explicit_deny ? "explicitDeny"
                                                                : "implicitDeny"};
  out.matched_statements.present = out.missing_context_values.present = true;
  for (const policy::Match& match : matches) {
    if (match.allow != verdict.allowed) continue;  // those that decided
    if (match.kind == policy::PolicyKind::identity) {
      const auto& [id, text] = simulation.texts[match.document];
      out.matched_statements.push_back(to_statement(id, text, match));
    } else if (match.kind == policy::PolicyKind::resource) {
      out.matched_statements.push_back(
          to_statement("ResourcePolicy", simulation.resource_text, match));
    }
  }
  std::set<std::string> asked;
  for (const auto& document : simulation.policies.identity) {
    for (const policy::Statement& statement : document->statements()) {
      if (policy::concerns(statement, question)) policy::add_keys(statement, asked);
    }
  }
  for (const std::string& key : asked) {
    if (!simulation.given.contains(key)) out.missing_context_values.push_back(key);
  }
  if (simulation.policies.boundary) {
    const bool within =
        std::ranges::any_of(matches,
                            [](const policy::Match& match) {
                              return match.kind == policy::PolicyKind::boundary && match.allow;
                            }) &&
        !(verdict.explicit_deny && verdict.kind == policy::PolicyKind::boundary);
    out.permissions_boundary_decision_detail =
        PermissionsBoundaryDecisionDetail{.allowed_by_permissions_boundary = within};
  }
  return out;
}

template <class Out, class In>
Result<Out> run(const Simulation& simulation, const In& in) {
  std::vector<std::string> resources(in.resource_arns.begin(), in.resource_arns.end());
  if (resources.empty()) resources.emplace_back("*");
  std::vector<std::pair<std::string, EvaluationResult>> all;
  for (const std::string& action : in.action_names) {
    if (!action.contains(':')) {
      return errors::invalid_input(fmt::format("Invalid Entity Action: {}", action));
    }
    for (const std::string& resource : resources) {
      all.emplace_back(fmt::format("{:06}", all.size()),
                       evaluate_one(simulation, action, resource));
    }
  }
  LF_TRY(page, page_of("simulation", std::move(all), in.marker, in.max_items));
  return Out{
      .evaluation_results = page.items, .is_truncated = page.truncated, .marker = page.marker};
}

Result<std::set<std::string>> keys_of(const std::vector<std::string>& texts) {
  std::set<std::string> out;
  for (const std::string& text : texts) {
    LF_TRY(document, parse(text, policy::DocumentKind::identity));
    for (const policy::Statement& statement : document->statements()) {
      policy::add_keys(statement, out);
    }
  }
  return out;
}

template <class Out>
Out to_keys(const std::set<std::string>& keys) {
  Out out;
  out.context_key_names.present = true;
  for (const std::string& key : keys) out.context_key_names.push_back(key);
  return out;
}

std::unexpected<Error> no_principal(const std::string& arn) {
  return errors::no_such_entity(fmt::format("The entity with ARN {} cannot be found.", arn));
}

}  // namespace

task<Result<SimulateCustomPolicyResponse>> simulate_custom_policy(Iam& iam,
                                                                  const RequestContext& ctx,
                                                                  SimulateCustomPolicyRequest in) {
  Simulation simulation;
  simulation.caller.account = ctx.scope.account;
  simulation.caller.kind = Principal::Kind::user;
  if (in.caller_arn) {
    const auto holder = find_holder(iam, *in.caller_arn);
    if (!holder) co_return no_principal(*in.caller_arn);
    simulation.caller = holder->principal;
  }
  LF_CO_OK(read_request(simulation, in, ctx));
  co_return run<SimulateCustomPolicyResponse>(simulation, in);
}

task<Result<SimulatePrincipalPolicyResponse>> simulate_principal_policy(
    Iam& iam, const RequestContext& ctx, SimulatePrincipalPolicyRequest in) {
  const auto holder = find_holder(iam, in.policy_source_arn);
  if (!holder) co_return no_principal(in.policy_source_arn);
  Simulation simulation;
  simulation.caller = holder->principal;
  // A group asks for nothing by itself: somebody in it does.
  if (simulation.caller.kind == Principal::Kind::anonymous) {
    simulation.caller = {.kind = Principal::Kind::user, .account = holder->principal.account};
  }
  for (const HeldPolicy& policy : holder->policies) {
    LF_CO_OK(add_identity_policy(simulation, policy.source.id(), policy.document));
  }
  if (!holder->boundary_arn.empty()) {
    LF_CO_TRY(boundary, parse(iam.managed_document(holder->boundary_arn).value_or("{}"),
                              policy::DocumentKind::identity));
    simulation.policies.boundary = boundary;
  }
  for (const auto& [key, value] : holder->tags)
    give(simulation, "aws:PrincipalTag/" + key, {value});
  if (in.caller_arn) {
    const auto caller = find_holder(iam, *in.caller_arn);
    if (!caller) co_return no_principal(*in.caller_arn);
    simulation.caller = caller->principal;
  }
  LF_CO_OK(read_request(simulation, in, ctx));
  co_return run<SimulatePrincipalPolicyResponse>(simulation, in);
}

task<Result<GetContextKeysForCustomPolicyResponse>> get_context_keys_for_custom_policy(
    Iam&, const RequestContext&, GetContextKeysForCustomPolicyRequest in) {
  LF_CO_TRY(keys, keys_of({in.policy_input_list.begin(), in.policy_input_list.end()}));
  co_return to_keys<GetContextKeysForCustomPolicyResponse>(keys);
}

task<Result<GetContextKeysForPrincipalPolicyResponse>> get_context_keys_for_principal_policy(
    Iam& iam, const RequestContext&, GetContextKeysForPrincipalPolicyRequest in) {
  const auto holder = find_holder(iam, in.policy_source_arn);
  if (!holder) co_return no_principal(in.policy_source_arn);
  std::vector<std::string> texts(in.policy_input_list.begin(), in.policy_input_list.end());
  for (const HeldPolicy& policy : holder->policies) texts.push_back(policy.document);
  LF_CO_TRY(keys, keys_of(texts));
  co_return to_keys<GetContextKeysForPrincipalPolicyResponse>(keys);
}

}  // namespace landfall::iam
