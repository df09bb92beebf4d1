#include "services/elbv2/target_port.h"

#include "services/elbv2/attributes.h"
#include "services/elbv2/find.h"
#include "services/elbv2/targets.h"

namespace landfall::elbv2 {
namespace {

wire::List<TargetDescription> one(std::string id, int port) {
  wire::List<TargetDescription> out;
  TargetDescription& target = out.emplace_back();
  target.id = std::move(id);
  target.port = port;
  return out;
}

}  // namespace

std::optional<TargetGroupInfo> TargetPort::find_target_group(const Scope& scope,
                                                             std::string_view arn) {
  const Tables tables = elbv2_.tables(scope);
  const auto row = elbv2::find_target_group(tables, scope, std::string(arn));
  if (!row) return {};
  const TargetGroupRecord& group = row->value;
  const auto balancer = balancer_of(tables, group);
  return TargetGroupInfo{group.arn(),
                         group.name,
                         group.target_type,
                         group.protocol,
                         group.vpc_id,
                         group.port,
                         balancer ? balancer->arn() : "",
                         attribute_number(attribute_owner(group), group.attributes,
                                          "deregistration_delay.timeout_seconds")};
}

task<Result<void>> TargetPort::register_target(Scope scope, std::string group_arn, std::string id,
                                               int port) {
  auto guard = co_await elbv2_.writing.enter();
  LF_CO_TRY(row, elbv2::find_target_group(elbv2_.tables(scope), scope, group_arn));
  store::Transaction transaction;
  LF_CO_OK(
      add_targets(elbv2_, row.value, one(std::move(id), port), elbv2_.clock.now(), transaction));
  co_return co_await commit(elbv2_, std::move(guard), std::move(transaction));
}

task<Result<void>> TargetPort::deregister_target(Scope scope, std::string group_arn, std::string id,
                                                 int port) {
  auto guard = co_await elbv2_.writing.enter();
  const auto row = elbv2::find_target_group(elbv2_.tables(scope), scope, group_arn);
  if (!row) co_return Result<void>();
  store::Transaction transaction;
  const auto removed =
      remove_targets(elbv2_, row->value, one(std::move(id), port), elbv2_.clock.now(), transaction);
  if (!removed && removed.error().code == "InvalidTarget") co_return Result<void>();
  LF_CO_OK(removed);
  co_return co_await commit(elbv2_, std::move(guard), std::move(transaction));
}

Health TargetPort::target_health(const Scope& scope, std::string_view group_arn,
                                 std::string_view id, int port) {
  for (TargetInfo& target : targets(scope, group_arn)) {
    if (target.id == id && target.port == port) return std::move(target.health);
  }
  return {"unused", "Target.NotRegistered", "Target is not registered to the target group", {}};
}

std::vector<TargetInfo> TargetPort::targets(const Scope& scope, std::string_view group_arn) {
  const Tables tables = elbv2_.tables(scope);
  std::vector<TargetInfo> out;
  const auto row = elbv2::find_target_group(tables, scope, std::string(group_arn));
  if (!row) return out;
  const auto balancer = balancer_of(tables, row->value);
  for (const auto& target : targets_of(tables, row->value)) {
    out.push_back({target.value.id, target.value.port,
                   health_of(elbv2_, row->value, target.value, balancer ? &*balancer : nullptr)});
  }
  return out;
}

}  // namespace landfall::elbv2
