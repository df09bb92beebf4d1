#include "services/application_autoscaling/shapes.h"

namespace landfall::application_autoscaling {
namespace {

constexpr std::size_t kMostTargets = 3000;
constexpr const char* kLinkedService = "ecs.application-autoscaling.amazonaws.com";
constexpr std::string_view kIdAlphabet = "0123456789abcdefghijklmnopqrstuvwxyz";

// Who scales a service could as well update it.
Result<void> authorize_service(const ApplicationAutoscaling& scaling, const RequestContext& ctx,
                               const std::string& arn) {
  for (const char* action : {"ecs:DescribeServices", "ecs:UpdateService"})
    LF_OK(scaling.iam.authorize(ctx, {.action = action, .resource = arn}));
  return {};
}

Result<void> apply(const RegisterScalableTargetRequest& in, TargetRecord& target) {
  const int low = in.min_capacity.value_or(target.min_capacity);
  const int high = in.max_capacity.value_or(target.max_capacity);
  if (low < 0 || high < 0)
    return errors::validation("Minimum and maximum capacity must be at least 0.");
  if (low > high)
    return errors::validation("Maximum capacity cannot be less than minimum capacity");
  if (in.min_capacity || in.max_capacity) target.enforce = true;
  target.min_capacity = low;
  target.max_capacity = high;
  if (const auto& state = in.suspended_state) {
    target.in_suspended = state->dynamic_scaling_in_suspended.value_or(target.in_suspended);
    target.out_suspended = state->dynamic_scaling_out_suspended.value_or(target.out_suspended);
    target.schedule_suspended =
        state->scheduled_scaling_suspended.value_or(target.schedule_suspended);
  }
  return {};
}

}  // namespace

// Registers a service or changes what is said about it; what a request leaves out stays.
task<Result<RegisterScalableTargetResponse>> register_scalable_target(
    ApplicationAutoscaling& scaling, const RequestContext& ctx, RegisterScalableTargetRequest in) {
  LF_CO_TRY(place, parse_place(in.service_namespace, in.resource_id, in.scalable_dimension));
  const Tables tables = scaling.tables(ctx.scope);
  const auto held = tables.targets.get(place.key());
  LF_CO_OK(
      authorize(scaling, ctx, "RegisterScalableTarget", held ? &held->value : nullptr, in.tags));
  const auto service = scaling.ecs.find_service(ctx.scope, place.cluster, place.service);
  if (!service)
    co_return errors::validation(fmt::format("ECS service doesn't exist: {}", in.resource_id));
  LF_CO_OK(authorize_service(scaling, ctx, service->arn));
  RegisterScalableTargetResponse out;
  if (held) {
    if (!in.tags.empty())
      co_return errors::validation(
          "Tags are given when a scalable target is registered for the first time; afterwards use "
          "TagResource.");
    auto row =
        co_await tables.targets.update(place.key(), [&](TargetRecord& target) -> Result<bool> {
          LF_OK(apply(in, target));
          return true;
        });
    if (!row && row.error().code != "not-found") co_return std::unexpected(row.error());
    if (row) {
      out.scalable_target_arn = target_arn(ctx.scope, row->value);
      co_return out;
    }
  }
  if (!in.min_capacity || !in.max_capacity)
    co_return errors::validation(
        "MinCapacity and MaxCapacity are required when a scalable target is registered for the "
        "first time.");
  if (tables.targets.list().size() >= kMostTargets)
    co_return errors::limit_exceeded(
        fmt::format("There are at most {} scalable targets.", kMostTargets));
  TargetRecord target;
  target.id = scaling.random.pick(kIdAlphabet, 34);
  target.cluster = place.cluster;
  target.service = place.service;
  target.created = ctx.now;
  LF_CO_OK(apply(in, target));
  LF_CO_OK(merge_tags(target.tags, in.tags));
  LF_CO_TRY(role,
            co_await scaling.iam.ensure_service_linked_role(ctx.scope.account, kLinkedService));
  target.role_arn = role;
  LF_CO_TRY(done, co_await scaling.store.commit({{tables.targets.absent(place.key())},
                                                 {tables.targets.put(place.key(), target)}}));
  if (!done.succeeded)
    co_return errors::concurrent_update("The scalable target is being registered already.");
  out.scalable_target_arn = target_arn(ctx.scope, target);
  co_return out;
}

}  // namespace landfall::application_autoscaling
