#include "services/rds/keys.h"

#include "base/bytes.h"
#include "host/volumes/encryption.h"
#include "wire/rds/errors.h"

namespace landfall::rds {
namespace {

constexpr std::string_view kOwnService = "rds";

std::unexpected<Error> not_accessible(const std::string& reference) {
  return errors::kms_key_not_accessible(
      fmt::format("The specified KMS key [{}] does not exist, is not enabled or you do not have "
                  "permissions to access it.",
                  reference));
}

std::string via(const Scope& scope) { return fmt::format("rds.{}.amazonaws.com", scope.region); }

kms::Context context_of(const VolumeKey& key) { return {{"aws:rds:db-id", key.owner}}; }

Scope scope_of(const std::string& arn) {
  const auto parsed = Arn::parse(arn);
  return parsed ? Scope{parsed->account, parsed->region} : Scope{};
}

// RDS takes a grant on the caller's behalf; its own key serves all who may use RDS.
Result<void> authorize(const Rds& rds, const RequestContext& ctx, const kms::KeyRow& row,
                       const std::string& reference) {
  if (row.value.aws_service == kOwnService) return {};
  if (!row.value.aws_service.empty()) return not_accessible(reference);
  for (const char* action : {"kms:DescribeKey", "kms:CreateGrant"}) {
    if (!rds.kms.authorize(ctx, row.value, action, {}, via(ctx.scope)))
      return not_accessible(reference);
  }
  return {};
}

task<Result<kms::KeyRow>> find_key(Rds& rds, const RequestContext& ctx, std::string reference) {
  auto row = co_await rds.kms.find(ctx.scope, reference);
  if (!row) co_return not_accessible(reference);
  LF_CO_OK(authorize(rds, ctx, *row, reference));
  co_return std::move(*row);
}

}  // namespace

task<Result<std::string>> find_key_arn(Rds& rds, const RequestContext& ctx, std::string reference) {
  LF_CO_TRY(row, co_await find_key(rds, ctx, std::move(reference)));
  co_return kms::key_arn(ctx.scope, row.id);
}

task<Result<std::string>> find_secret_key(Rds& rds, const RequestContext& ctx,
                                          std::string reference) {
  auto row = co_await rds.kms.find(ctx.scope, reference);
  if (!row) co_return not_accessible(reference);
  const std::string service = fmt::format("secretsmanager.{}.amazonaws.com", ctx.scope.region);
  for (const char* action : {"kms:GenerateDataKey", "kms:Decrypt"}) {
    if (!rds.kms.authorize(ctx, row->value, action, {}, service))
      co_return not_accessible(reference);
  }
  // Disabled, it could not serve.
  if (!rds.kms.encrypt(ctx.scope, row->value, "probe", {})) co_return not_accessible(reference);
  co_return kms::key_arn(ctx.scope, row->id);
}

task<Result<VolumeKey>> make_volume_key(Rds& rds, const RequestContext& ctx,
                                        std::optional<std::string> reference, std::string owner) {
  if (auto can = co_await rds.volumes.probe_encryption(); !can) {
    co_return fail("InvalidParameterCombination",
                   fmt::format("StorageEncrypted cannot be served: {}", can.error().message));
  }
  const std::string named = reference.value_or("alias/aws/rds");
  LF_CO_TRY(row, co_await find_key(rds, ctx, named));
  VolumeKey out{.kms_key_arn = kms::key_arn(ctx.scope, row.id), .owner = std::move(owner)};
  std::string data_key(host::kVolumeKeyBytes, '\0');
  rds.random.fill({reinterpret_cast<unsigned char*>(data_key.data()), data_key.size()});
  auto encrypted = rds.kms.encrypt(ctx.scope, row.value, data_key, context_of(out));
  explicit_bzero(data_key.data(), data_key.size());
  if (!encrypted) co_return not_accessible(named);
  out.wrapped = base64_encode(encrypted->blob);
  co_return out;
}

Result<std::string> open_volume_key(const Rds& rds, const VolumeKey& key) {
  const auto blob = base64_decode(key.wrapped);
  if (!blob) return not_accessible(key.kms_key_arn);
  auto opened = rds.kms.decrypt(scope_of(key.kms_key_arn), *blob, context_of(key));
  if (!opened) return not_accessible(key.kms_key_arn);
  return std::move(opened->plaintext);
}

Result<void> check_key_use(const Rds& rds, const RequestContext& ctx, const VolumeKey& key) {
  if (key.empty()) return {};
  const auto blob = base64_decode(key.wrapped);
  if (!blob) return not_accessible(key.kms_key_arn);
  RequestContext there = ctx;  // a snapshot to copy may be of another region
  there.scope = scope_of(key.kms_key_arn);
  const auto row = rds.kms.key_of(there.scope, *blob);
  if (!row) return not_accessible(key.kms_key_arn);
  LF_OK(authorize(rds, there, *row, key.kms_key_arn));
  if (auto opened = open_volume_key(rds, key); !opened) return std::unexpected(opened.error());
  return {};
}

std::vector<std::string> instances_of_changed_key(const Rds& rds, const store::KeyValue& changed) {
  const auto found = kms::parse_key(changed.key);
  if (!found) return {};
  const auto& [scope, id] = *found;
  const std::string arn = kms::key_arn(scope, id);
  const auto table = rds.tables(scope).instances;
  std::vector<std::string> out;
  for (const auto& row : table.list()) {
    if (row.value.volume_key.kms_key_arn == arn) out.push_back(table.key(row.id));
  }
  return out;
}

}  // namespace landfall::rds
