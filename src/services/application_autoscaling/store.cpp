#include "services/application_autoscaling/store.h"

#include "base/bytes.h"

namespace landfall::application_autoscaling {
namespace {

constexpr std::int64_t kEndOfTime = 99'999'999'999'999;

std::string prefix(const Scope& scope, std::string_view table) {
  return fmt::format("{}{}/{}/{}/", kPrefix, scope.account, scope.region, table);
}

}  // namespace

Tables::Tables(store::Store& store, const Scope& scope)
    : targets(store, prefix(scope, "targets")),
      policies(store, prefix(scope, "policies")),
      schedules(store, prefix(scope, "schedules")),
      activities(store, prefix(scope, "activities")) {}

std::string child_id(const std::string& target_key, std::string_view name) {
  return fmt::format("{}/{}", target_key, percent_encode(name));
}

std::string activity_id(const std::string& target_key, const ActivityRecord& activity) {
  return fmt::format("{}/{:014}-{}", target_key, kEndOfTime - to_unix_ms(activity.started),
                     activity.id);
}

std::string target_key_of(std::string_view child_id) {
  return std::string(child_id.substr(0, child_id.rfind('/')));
}

std::optional<KeyParts> parse_key(std::string_view key) {
  if (!key.starts_with(kPrefix)) return {};
  key.remove_prefix(kPrefix.size());
  const auto take = [&] {
    const std::size_t end = key.find('/');
    std::string part(key.substr(0, end));
    key.remove_prefix(end == std::string_view::npos ? key.size() : end + 1);
    return part;
  };
  KeyParts out;
  out.scope.account = take();
  out.scope.region = take();
  out.table = take();
  out.id = std::string(key);
  if (out.id.empty()) return {};
  return out;
}

std::string target_arn(const Scope& scope, const TargetRecord& target) {
  return fmt::format("arn:aws:application-autoscaling:{}:{}:scalable-target/{}", scope.region,
                     scope.account, target.id);
}

std::string policy_arn(const Scope& scope, const std::string& resource,
                       const PolicyRecord& policy) {
  return fmt::format("arn:aws:autoscaling:{}:{}:scalingPolicy:{}:resource/{}/{}:policyName/{}",
                     scope.region, scope.account, policy.id, kNamespace, resource, policy.name);
}

std::string schedule_arn(const Scope& scope, const std::string& resource,
                         const ScheduleRecord& schedule) {
  return fmt::format(
      "arn:aws:autoscaling:{}:{}:scheduledAction:{}:resource/{}/{}:scheduledActionName/{}",
      scope.region, scope.account, schedule.id, kNamespace, resource, schedule.name);
}

std::optional<PolicyName> parse_policy_arn(const Scope& scope, std::string_view arn) {
  const auto parsed = Arn::parse(arn);
  if (!parsed || parsed->service != "autoscaling" || parsed->account != scope.account ||
      parsed->region != scope.region)
    return {};
  // scalingPolicy:ID:resource/ecs/service/CLUSTER/SERVICE:policyName/NAME
  std::string_view rest = parsed->resource;
  const auto take = [&](std::string_view start, char end) -> std::optional<std::string> {
    if (!rest.starts_with(start)) return {};
    rest.remove_prefix(start.size());
    const std::size_t at = rest.find(end);
    if (at == std::string_view::npos) return {};
    std::string part(rest.substr(0, at));
    rest.remove_prefix(at + 1);
    return part;
  };
  PolicyName out;
  const auto id = take("scalingPolicy:", ':');
  if (!id) return {};
  const auto target = take("resource/ecs/service/", ':');
  if (!target || !rest.starts_with("policyName/")) return {};
  rest.remove_prefix(std::string_view("policyName/").size());
  return PolicyName{*id, *target, std::string(rest)};
}

}  // namespace landfall::application_autoscaling
