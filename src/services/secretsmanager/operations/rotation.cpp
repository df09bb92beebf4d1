// operations: RotateSecret, CancelRotateSecret
#include "services/secretsmanager/rotation.h"

#include "base/bytes.h"
#include "services/secretsmanager/shapes.h"

namespace landfall::secretsmanager {
namespace {

Result<void> check_target(const Secretsmanager& service, const RequestContext& ctx,
                          const std::string& target) {
  const auto arn = Arn::parse(target);
  if (!arn || arn->service != "ecs" || !arn->resource.starts_with("task-definition/")) {
    return errors::invalid_parameter(fmt::format(
        "{} cannot rotate secrets here: there is no Lambda. Give the ARN of an ECS task definition "
        "as RotationLambdaARN: a task of it makes the new value, with SECRET_ARN and "
        "CLIENT_REQUEST_TOKEN in its environment.",
        target));
  }
  if (arn->account != ctx.scope.account || arn->region != ctx.scope.region) {
    return errors::invalid_parameter(
        "The task definition must be of the secret's account and region.");
  }
  return service.runner->check(ctx, target);
}

Result<void> set_rules(RotationRecord& rotation, const RotationRulesType& rules, TimePoint now) {
  if (rules.automatically_after_days && rules.schedule_expression) {
    return errors::invalid_parameter(
        "You can't specify both AutomaticallyAfterDays and ScheduleExpression.");
  }
  if (rules.schedule_expression) LF_OK(check_schedule(*rules.schedule_expression, now));
  rotation.after_days = rules.automatically_after_days.value_or(0);
  rotation.schedule = rules.schedule_expression.value_or("");
  rotation.duration = rules.duration.value_or("");
  return {};
}

std::unexpected<Error> managed_elsewhere(const SecretRecord& secret) {
  return errors::invalid_request(
      fmt::format("The rotation of this secret is managed by {}: it can only be asked for at once.",
                  secret.owning_service));
}

// Secrets of services are rotated by them.
task<Result<void>> rotate_managed(Secretsmanager& service, Scope scope, SecretRecord secret,
                                  RotateSecretRequest in) {
  const auto rotator = service.rotators.find(secret.owning_service);
  if (rotator == service.rotators.end() || in.rotation_lambda_arn || in.rotation_rules ||
      !in.rotate_immediately.value_or(true)) {
    co_return managed_elsewhere(secret);
  }
  co_return co_await rotator->second(scope, arn_of(scope, secret));
}

}  // namespace

// Sets up rotation, and begins one unless told otherwise; Rotations carries it out.
task<Result<RotateSecretResponse>> rotate_secret(Secretsmanager& service, const RequestContext& ctx,
                                                 RotateSecretRequest in) {
  if (in.external_secret_rotation_role_arn || !in.external_secret_rotation_metadata.empty()) {
    co_return errors::invalid_parameter("Managed external secrets are not served here.");
  }
  LF_CO_TRY(row, service.open(ctx, in.secret_id, "secretsmanager:RotateSecret"));
  if (!row.value.owning_service.empty()) {
    LF_CO_OK(co_await rotate_managed(service, ctx.scope, row.value, in));
    co_return RotateSecretResponse{.arn = arn_of(ctx.scope, row.value), .name = row.value.name};
  }
  const auto table = service.rotations(ctx.scope);
  for (int attempt = 0; attempt < 8; ++attempt) {
    const auto held = service.rotation_of(ctx.scope, row.value);
    RotationRecord rotation = held ? held->value : RotationRecord{};
    rotation.suffix = row.value.suffix;
    if (in.rotation_lambda_arn) rotation.target = *in.rotation_lambda_arn;
    if (rotation.target.empty()) {
      co_return errors::invalid_request(
          "No Lambda rotation function ARN is associated with this secret.");
    }
    LF_CO_OK(check_target(service, ctx, rotation.target));
    if (in.rotation_rules) LF_CO_OK(set_rules(rotation, *in.rotation_rules, ctx.now));
    rotation.enabled = true;
    rotation.next = next_rotation(rotation, ctx.now).value_or(TimePoint{});
    RotateSecretResponse out{.arn = arn_of(ctx.scope, row.value), .name = row.value.name};
    if (in.rotate_immediately.value_or(true)) {
      const std::string version = in.client_request_token.value_or(service.random.uuid());
      if (!rotation.version_id.empty() && rotation.version_id != version) {
        co_return errors::invalid_request(
            "A previous rotation isn't complete. That rotation will be reattempted.");
      }
      if (rotation.version_id.empty()) {
        rotation.version_id = version;
        rotation.task.clear();
        rotation.attempts = 0;
        rotation.retry_at = ctx.now;
      }
      out.version_id = version;
    }
    const auto before = table.get(row.id);  // of a secret that had the name before, perhaps
    LF_CO_TRY(done, co_await service.store.commit(
                        {{table.unchanged(row.id, before ? before->revision : 0)},
                         {table.put(row.id, rotation)}}));
    if (done.succeeded) {
      service.rotating.emplace(ctx.scope.account, ctx.scope.region);
      co_return out;
    }
  }
  co_return errors::internal_service_error("The secret is being changed by others. Try again.");
}

// A rotation under way is given up: its task is stopped, and its version stays AWSPENDING for
// whoever wants to look at it.
task<Result<CancelRotateSecretResponse>> cancel_rotate_secret(Secretsmanager& service,
                                                              const RequestContext& ctx,
                                                              CancelRotateSecretRequest in) {
  LF_CO_TRY(row, service.open(ctx, in.secret_id, "secretsmanager:CancelRotateSecret"));
  if (!row.value.owning_service.empty()) co_return managed_elsewhere(row.value);
  const auto held = service.rotation_of(ctx.scope, row.value);
  if (!held) {
    co_return errors::invalid_request("The secret isn't configured for rotation.");
  }
  CancelRotateSecretResponse out{.arn = arn_of(ctx.scope, row.value), .name = row.value.name};
  std::string stopping;
  LF_CO_OK(co_await service.rotations(ctx.scope).update(
      held->id, [&](RotationRecord& rotation) -> Result<bool> {
        rotation.enabled = false;
        if (!rotation.version_id.empty()) out.version_id = rotation.version_id;
        stopping = rotation.task;
        rotation.version_id.clear();
        rotation.task.clear();
        return true;
      }));
  if (!stopping.empty()) {
    LF_CO_OK(co_await service.runner->stop(ctx.scope, stopping, "rotation was cancelled"));
  }
  co_return out;
}

}  // namespace landfall::secretsmanager
