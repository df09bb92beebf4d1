// Roles: who may take them, and what stands for them.
#include "services/iam/identities.h"
#include "services/iam/trust.h"

namespace landfall::iam {

Result<void> Identities::check_role(const std::string& role_arn, const std::string& service) {
  const auto role = find_role_record(iam_, role_arn);
  if (!role) return fail("role-not-found", fmt::format("role {} does not exist", role_arn), 404);
  Identity caller;
  caller.principal = {.kind = Principal::Kind::service,
                      .account = Arn::parse(role_arn)->account,
                      .arn = service,
                      .name = service};
  policy::ContextKeys keys;
  keys.set("aws:PrincipalIsAWSService", "true");
  keys.set("aws:PrincipalServiceName", service);
  keys.set("aws:SourceAccount", caller.principal.account);
  RequestContext ctx;
  ctx.scope.account = caller.principal.account;
  ctx.now = iam_.clock.now();
  if (find_trusting_role(iam_, role_arn, caller, "sts:AssumeRole", ctx, std::move(keys))) return {};
  return fail(
      "not-trusted",
      fmt::format("the trust policy of role {} does not allow {} to assume it", role_arn, service),
      403);
}

Result<RoleCredentials> Identities::assume_for_service(const std::string& role_arn,
                                                       const std::string& service,
                                                       const std::string& session_name,
                                                       std::chrono::seconds lifetime) {
  LF_OK(check_role(role_arn, service));
  const auto role = find_role_record(iam_, role_arn);
  SessionRecord session{.account = Arn::parse(role_arn)->account,
                        .kind = int(Principal::Kind::assumed_role),
                        .name = role->name,
                        .id = role->id,
                        .session_name = session_name};
  return issue_session(iam_, std::move(session), lifetime);
}

Result<void> Identities::check_pass_role(const RequestContext& ctx, const std::string& role_arn,
                                         const std::string& service) {
  Access access{.action = "iam:PassRole", .resource = role_arn};
  access.context.set("iam:PassedToService", service);
  LF_OK(authorize(ctx, access));
  return check_role(role_arn, service);
}

std::optional<RoleFacts> Identities::find_role(const std::string& account,
                                               const std::string& name_or_arn) {
  std::string owner = account;
  std::optional<RoleRecord> role;
  if (Arn::looks_like(name_or_arn)) {
    role = find_role_record(iam_, name_or_arn);
    if (role) owner = Arn::parse(name_or_arn)->account;
  } else if (auto row = iam_.roles(account).get(key_of(name_or_arn))) {
    role = std::move(row->value);
  }
  if (!role) return {};
  return RoleFacts{arn_of(owner, "role", role->path, role->name), role->name, role->id};
}

std::optional<InstanceProfileFacts> Identities::find_instance_profile(
    const std::string& account, const std::string& name_or_arn) {
  const auto row = iam_.instance_profiles(account).get(key_of(last_part(name_or_arn)));
  if (!row) return {};
  const InstanceProfileRecord& profile = row->value;
  InstanceProfileFacts out{.arn = arn_of(account, "instance-profile", profile.path, profile.name),
                           .name = profile.name,
                           .id = profile.id};
  if (Arn::looks_like(name_or_arn) && out.arn != name_or_arn) return {};
  if (const auto role = iam_.roles(account).get(key_of(profile.role));
      role && !profile.role.empty()) {
    out.role_arn = arn_of(account, "role", role->value.path, role->value.name);
  }
  return out;
}

}  // namespace landfall::iam
