#include "services/iam/trust.h"

#include "services/iam/identities.h"

namespace landfall::iam {

std::optional<RoleRecord> find_role_record(const Iam& iam, const std::string& role_arn) {
  const auto arn = Arn::parse(role_arn);
  if (!arn || arn->service != "iam" || !arn->resource.starts_with("role/")) return {};
  auto row = iam.roles(arn->account).get(key_of(last_part(role_arn)));
  if (!row || arn_of(arn->account, "role", row->value.path, row->value.name) != role_arn) return {};
  return std::move(row->value);
}

Result<RoleRecord> find_trusting_role(const Iam& iam, const std::string& role_arn,
                                      const Identity& caller, const std::string& action,
                                      const RequestContext& ctx, policy::ContextKeys keys) {
  auto role = find_role_record(iam, role_arn);
  if (role) {
    LF_TRY(trust, policy::Document::parse(role->trust, policy::DocumentKind::trust));
    if (caller.principal.kind != Principal::Kind::service) add_global_keys(keys, caller, ctx);
    const policy::PolicySet set{.identity = caller.policies,
                                .boundary = caller.boundary,
                                .session = caller.session,
                                .resource = trust,
                                .resource_account = Arn::parse(role_arn)->account,
                                .trust = true};
    if (policy::evaluate(set, {action, role_arn, keys, caller.principal}).allowed) {
      return std::move(*role);
    }
  }
  return fail("AccessDenied",
              fmt::format("User: {} is not authorized to perform: {} on resource: {}",
                          caller.principal.arn, action, role_arn),
              403);
}

}  // namespace landfall::iam
