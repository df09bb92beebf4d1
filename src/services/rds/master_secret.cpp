#include "services/rds/master_secret.h"

#include "base/record.h"
#include "host/postgres/scram.h"
#include "services/rds/keys.h"
#include "wire/rds/errors.h"

namespace landfall::rds {
namespace {

// Without what a URL, a shell or JSON would have to escape.
constexpr std::string_view kPasswordAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
constexpr std::size_t kPasswordLength = 28;
constexpr std::string_view kSuffixAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

secretsmanager::ManagedSecret managed(const DbInstance& instance) {
  const MasterSecret& secret = instance.master_secret;
  return {.name = secret.name,
          .suffix = secret.suffix,
          .owning_service = "rds",
          .description = fmt::format("The secret associated with the primary RDS DB instance: {}",
                                     instance.arn()),
          .kms_key = secret.kms_key,
          .rotation_days = kRotationDays,
          .tags = {{"aws:rds:primaryDBInstanceArn", instance.arn()},
                   {"aws:secretsmanager:owningService", "rds"}}};
}

std::string arn_of(const Scope& scope, const MasterSecret& secret) {
  return secretsmanager::arn_of(scope, {.name = secret.name, .suffix = secret.suffix});
}

}  // namespace

task<Result<MasterSecret>> make_master_secret(Rds& rds, const RequestContext& ctx,
                                              std::optional<std::string> kms_key) {
  LF_CO_TRY(key, co_await find_secret_key(rds, ctx, kms_key.value_or("alias/aws/secretsmanager")));
  co_return MasterSecret{.name = "rds!db-" + rds.random.uuid(),
                         .suffix = rds.random.pick(kSuffixAlphabet, 6),
                         .kms_key = key};
}

bool password_due(const DbInstance& wanted, TimePoint now) {
  const MasterSecret& secret = wanted.master_secret;
  if (secret.empty() || now < secret.retry_at) return false;
  if (secret.version.empty()) return true;
  if (!secret.published) return false;  // one is on its way
  return secret.rotate || now - secret.rotated_at >= std::chrono::days(kRotationDays);
}

task<Result<void>> stage_password(
    Rds& rds, DbInstance instance,
    std::function<task<Result<void>>(std::string version, std::string verifier)> staged) {
  const std::string password = rds.random.pick(kPasswordAlphabet, kPasswordLength);
  const std::string version = rds.random.uuid();
  const json::object value{{"username", instance.master_user}, {"password", password}};
  LF_CO_OK(co_await rds.secrets.put_managed(instance.scope(), managed(instance), version,
                                            {json::serialize(value), false}));
  co_return co_await staged(version, host::scram_verifier(password, rds.random));
}

task<Result<void>> publish_password(Rds& rds, DbInstance instance) {
  co_return co_await rds.secrets.finish_rotation(instance.scope(), managed(instance),
                                                 instance.master_secret.version);
}

task<Result<void>> remove_secret(Rds& rds, Scope scope, MasterSecret secret) {
  co_return co_await rds.secrets.remove_managed(scope,
                                                {.name = secret.name, .suffix = secret.suffix});
}

MasterUserSecret to_shape(const Scope& scope, const MasterSecret& secret) {
  MasterUserSecret out;
  out.secret_arn = arn_of(scope, secret);
  out.secret_status = secret.status;
  out.kms_key_id = secret.kms_key;
  return out;
}

task<Result<void>> rotate_master_secret(Rds& rds, Scope scope, std::string arn) {
  const auto table = rds.tables(scope).instances;
  for (const auto& row : table.list()) {
    if (row.value.master_secret.empty() || arn_of(scope, row.value.master_secret) != arn) continue;
    auto asked = co_await table.update(row.id, [&](DbInstance& record) -> Result<bool> {
      if (record.status != "available") {
        return fail("InvalidRequestException",
                    fmt::format("The DB instance {} is not available.", record.identifier));
      }
      record.master_secret.rotate = true;
      record.master_secret.retry_at = {};
      return true;
    });
    if (!asked) co_return std::unexpected(asked.error());
    co_return Result<void>();
  }
  co_return fail("InvalidRequestException", "No DB instance uses this secret any more.");
}

}  // namespace landfall::rds
