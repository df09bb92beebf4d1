// Secrets that other services keep.
#include "base/bytes.h"
#include "services/secretsmanager/service.h"
#include "wire/secretsmanager/errors.h"

namespace landfall::secretsmanager {
namespace {

constexpr int kAttempts = 8;

std::unexpected<Error> changing() {
  return errors::internal_service_error("The secret keeps changing.");
}

SecretRecord record_of(const ManagedSecret& secret, TimePoint now) {
  SecretRecord out{.name = secret.name,
                   .suffix = secret.suffix,
                   .description = secret.description,
                   .kms_key = secret.kms_key,
                   .tags = secret.tags,
                   .created = now,
                   .changed = now};
  out.owning_service = secret.owning_service;
  out.rotation_days = secret.rotation_days;
  return out;
}

}  // namespace

std::string arn_of(const Scope& scope, const ManagedSecret& secret) {
  return fmt::format("arn:aws:secretsmanager:{}:{}:secret:{}-{}", scope.region, scope.account,
                     secret.name, secret.suffix);
}

task<Result<void>> Secretsmanager::put_managed(Scope scope, ManagedSecret secret,
                                               std::string version_id, Value value) {
  LF_CO_TRY(key, co_await kms.find(scope, secret.kms_key));
  const auto table = secrets(scope);
  const std::string id = percent_encode(secret.name);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    auto row = table.get(id);
    SecretRecord record = row ? row->value : record_of(secret, clock.now());
    if (record.versions.contains(version_id)) co_return Result<void>();
    const bool first = record.versions.empty();
    LF_CO_TRY(version, seal_with(scope, key.value, record, version_id, value));
    record.versions[version_id] = std::move(version);
    stage_version(record, version_id, {first ? kCurrent : kPending});
    record.changed = clock.now();
    LF_CO_TRY(done, co_await store.commit(
                        {{table.unchanged(id, row ? row->revision : 0)}, {table.put(id, record)}}));
    if (done.succeeded) co_return Result<void>();
  }
  co_return changing();
}

task<Result<void>> Secretsmanager::finish_rotation(Scope scope, ManagedSecret secret,
                                                   std::string version_id) {
  const auto table = secrets(scope);
  const TimePoint now = clock.now();
  auto done =
      co_await table.update(percent_encode(secret.name), [&](SecretRecord& record) -> Result<bool> {
        const auto held = record.versions.find(version_id);
        if (held == record.versions.end()) {
          return errors::resource_not_found(
              "Secrets Manager can't find the specified secret version.");
        }
        held->second.stages.erase(kPending);
        if (!held->second.stages.contains(kCurrent)) stage_version(record, version_id, {kCurrent});
        record.rotated = record.changed = now;
        return true;
      });
  if (!done && done.error().code == "not-found")
    co_return errors::resource_not_found("Secrets Manager can't find the specified secret.");
  if (!done) co_return std::unexpected(done.error());
  co_return Result<void>();
}

task<Result<void>> Secretsmanager::remove_managed(Scope scope, ManagedSecret secret) {
  LF_CO_OK(co_await store.commit({{}, {secrets(scope).remove(percent_encode(secret.name))}}));
  co_return Result<void>();
}

}  // namespace landfall::secretsmanager
