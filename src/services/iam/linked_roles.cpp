#include "services/iam/linked_roles.h"

#include "services/iam/identities.h"
#include "services/iam/managed_policies.h"

namespace landfall::iam {

const LinkedRole* find_linked_role(std::string_view service) {
  static constexpr LinkedRole kRoles[] = {
      {"ecs.amazonaws.com", "AWSServiceRoleForECS", "AmazonECSServiceRolePolicy"},
      {"rds.amazonaws.com", "AWSServiceRoleForRDS", "AmazonRDSServiceRolePolicy"},
      {"autoscaling.amazonaws.com", "AWSServiceRoleForAutoScaling", "AutoScalingServiceRolePolicy"},
      {"ecs.application-autoscaling.amazonaws.com",
       "AWSServiceRoleForApplicationAutoScaling_ECSService",
       "AWSApplicationAutoscalingECSServicePolicy"},
      {"elasticloadbalancing.amazonaws.com", "AWSServiceRoleForElasticLoadBalancing",
       "AWSElasticLoadBalancingServiceRolePolicy"},
  };
  for (const LinkedRole& role : kRoles) {
    if (role.service == service) return &role;
  }
  return nullptr;
}

task<Result<RoleRecord>> create_linked_role(Iam& iam, std::string account, std::string service,
                                            std::string description) {
  const LinkedRole* linked = find_linked_role(service);
  if (!linked) {
    co_return fail(
        "InvalidInput",
        fmt::format("{} is not a service that has a service-linked role.", service.substr(0, 128)));
  }
  RoleRecord role{.name = std::string(linked->role),
                  .path = fmt::format("/aws-service-role/{}/", service),
                  .id = iam.new_id("AROA"),
                  .created = iam.clock.now(),
                  .description = std::move(description),
                  .linked_service = service};
  role.trust = fmt::format(
      R"({{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":"{}"}},"Action":"sts:AssumeRole"}}]}})",
      service);
  const std::string policy =
      fmt::format("arn:aws:iam::aws:policy/aws-service-role/{}", linked->policy);
  if (find_managed_policy(policy)) role.policies.attached.insert(policy);
  const auto roles = iam.roles(account);
  const std::string key = key_of(role.name);
  LF_CO_TRY(made, co_await iam.commit({{roles.absent(key)}, {roles.put(key, role)}}));
  if (!made) {
    co_return fail("InvalidInput",
                   fmt::format("Service role name {} has been taken in this account, please try a "
                               "different suffix.",
                               role.name));
  }
  co_return role;
}

task<Result<std::string>> Identities::ensure_service_linked_role(std::string account,
                                                                 std::string service) {
  const LinkedRole* linked = find_linked_role(service);
  if (linked) {
    if (const auto held = find_role(account, std::string(linked->role))) co_return held->arn;
  }
  auto made = co_await create_linked_role(iam_, account, service, "");
  if (!made) {
    // Somebody else may have made it in the meantime.
    const auto held = linked ? find_role(account, std::string(linked->role)) : std::nullopt;
    if (!held) co_return std::unexpected(made.error());
    co_return held->arn;
  }
  co_return arn_of(account, "role", made->path, made->name);
}

}  // namespace landfall::iam
