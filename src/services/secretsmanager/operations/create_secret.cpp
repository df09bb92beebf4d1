#include "base/bytes.h"
#include "services/secretsmanager/shapes.h"

namespace landfall::secretsmanager {

task<Result<CreateSecretResponse>> create_secret(Secretsmanager& service, const RequestContext& ctx,
                                                 CreateSecretRequest in) {
  if (!in.add_replica_regions.empty()) {
    co_return errors::invalid_parameter("Replicas in other regions are not served here.");
  }
  if (in.type) co_return errors::invalid_parameter("Managed external secrets are not served here.");
  static constexpr std::string_view kAllowed = "/_+=.@-";
  for (const char c : in.name) {
    if (std::isalnum(static_cast<unsigned char>(c)) || kAllowed.contains(c)) continue;
    co_return errors::invalid_parameter(
        "Invalid name. Must be a valid name containing alphanumeric characters, or any of the "
        "following: -/_+=.@!");
  }
  LF_CO_TRY(value, value_in(in));
  const auto table = service.secrets(ctx.scope);
  const std::string id = percent_encode(in.name);
  const std::string version_id = in.client_request_token.value_or(service.random.uuid());
  store::Revision replaced = 0;
  if (auto held = table.get(id)) {
    const SecretRecord& secret = held->value;
    const bool gone = secret.gone_at != TimePoint{} && secret.gone_at <= ctx.now;
    if (!gone && secret.deleted != TimePoint{}) {
      co_return errors::invalid_request(
          "You can't create this secret because a secret with this name is already scheduled for "
          "deletion.");
    }
    if (!gone && value && secret.versions.contains(version_id)) {
      LF_CO_TRY(before, service.unseal(ctx.scope, secret, version_id));
      if (before.bytes == value->bytes) {  // the same request again
        co_return CreateSecretResponse{
            .arn = arn_of(ctx.scope, secret), .name = secret.name, .version_id = version_id};
      }
    }
    if (!gone) {
      co_return errors::resource_exists(
          fmt::format("The operation failed because the secret {} already exists.", in.name));
    }
    replaced = held->revision;
  }
  SecretRecord secret{.name = in.name,
                      .suffix = service.random.pick(
                          "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 6),
                      .description = in.description.value_or(""),
                      .kms_key = in.kms_key_id.value_or(""),
                      .created = ctx.now,
                      .changed = ctx.now};
  LF_CO_OK(add_tags(secret, in.tags));
  if (value) {
    LF_CO_TRY(version, co_await service.seal(ctx, secret, version_id, std::move(*value)));
    secret.versions[version_id] = std::move(version);
    stage_version(secret, version_id, {kCurrent});
  }
  LF_CO_TRY(made, co_await service.store.commit(
                      {{table.unchanged(id, replaced)}, {table.put(id, secret)}}));
  if (!made.succeeded) {
    co_return errors::resource_exists(
        fmt::format("The operation failed because the secret {} already exists.", in.name));
  }
  CreateSecretResponse out{.arn = arn_of(ctx.scope, secret), .name = secret.name};
  if (!secret.versions.empty()) out.version_id = version_id;
  co_return out;
}

}  // namespace landfall::secretsmanager
