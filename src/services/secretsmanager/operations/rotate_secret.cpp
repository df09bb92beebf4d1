// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html
#include "services/secretsmanager/shapes.h"

namespace landfall::secretsmanager {

// Secrets of services are rotated by them. Others would need a Lambda function, and there are none.
task<Result<RotateSecretResponse>> rotate_secret(Secretsmanager& service, const RequestContext& ctx,
                                                 RotateSecretRequest in) {
  LF_CO_TRY(row, service.open(ctx, in.secret_id, "secretsmanager:RotateSecret"));
  const SecretRecord& secret = row.value;
  const auto rotator = service.rotators.find(secret.owning_service);
  if (rotator == service.rotators.end()) {
    co_return errors::invalid_request(
        "No Lambda rotation function ARN is associated with this secret.");
  }
  if (in.rotation_lambda_arn || in.rotation_rules || !in.rotate_immediately.value_or(true)) {
    co_return errors::invalid_request(
        fmt::format("The rotation of this secret is managed by {}: it can only be asked for at "
                    "once.",
                    secret.owning_service));
  }
  const std::string arn = arn_of(ctx.scope, secret);
  LF_CO_OK(co_await rotator->second(ctx.scope, arn));
  co_return RotateSecretResponse{.arn = arn, .name = secret.name};
}

}  // namespace landfall::secretsmanager
