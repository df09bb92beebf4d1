#include "services/secretsmanager/service.h"

#include "base/bytes.h"
#include "wire/secretsmanager/errors.h"

namespace landfall::secretsmanager {
namespace {

constexpr std::size_t kMostVersions = 100;
constexpr std::size_t kSuffix = 7;  // "-AbCdEf"

std::unexpected<Error> not_found() {
  return errors::resource_not_found("Secrets Manager can't find the specified secret.");
}

// Authenticated with every value: a version's text does not open as another's.
kms::Context encryption_context(const Scope& scope, const SecretRecord& secret,
                                const std::string& version_id) {
  return {{"SecretARN", arn_of(scope, secret)}, {"SecretVersionId", version_id}};
}

std::string seal_context(const Scope& scope, const SecretRecord& secret,
                         const std::string& version_id) {
  return fmt::format("secretsmanager/{}/{}", arn_of(scope, secret), version_id);
}

}  // namespace

std::string arn_of(const Scope& scope, const SecretRecord& secret) {
  return fmt::format("arn:aws:secretsmanager:{}:{}:secret:{}-{}", scope.region, scope.account,
                     secret.name, secret.suffix);
}

std::string via(const Scope& scope) {
  return fmt::format("secretsmanager.{}.amazonaws.com", scope.region);
}

store::Table<SecretRecord> Secretsmanager::secrets(const Scope& scope) const {
  return {store, fmt::format("/secretsmanager/{}/{}/secrets/", scope.account, scope.region)};
}

store::Table<RotationRecord> Secretsmanager::rotations(const Scope& scope) const {
  return {store, fmt::format("/secretsmanager/{}/{}/rotations/", scope.account, scope.region)};
}

std::optional<store::Row<RotationRecord>> Secretsmanager::rotation_of(
    const Scope& scope, const SecretRecord& secret) const {
  auto row = rotations(scope).get(percent_encode(secret.name));
  if (!row || row->value.suffix != secret.suffix) return {};
  return row;
}

Result<SecretRow> Secretsmanager::find(const Scope& scope, const std::string& reference) const {
  const auto table = secrets(scope);
  std::vector<std::string> names = {reference};
  if (Arn::looks_like(reference)) {
    const auto arn = Arn::parse(reference);
    constexpr std::string_view kKind = "secret:";
    if (!arn || arn->service != "secretsmanager" || !arn->resource.starts_with(kKind)) {
      return errors::invalid_parameter("Invalid ARN.");
    }
    if (arn->region != scope.region || arn->account != scope.account) return not_found();
    const std::string full = arn->resource.substr(kKind.size());
    names = {full};
    if (full.size() > kSuffix) names.push_back(full.substr(0, full.size() - kSuffix));
  }
  for (const std::string& name : names) {
    auto row = table.get(percent_encode(name));
    if (!row) continue;
    const SecretRecord& secret = row->value;
    if (secret.gone_at != TimePoint{} && secret.gone_at <= clock.now()) continue;
    // The shorter name came from a whole ARN: its last characters must be right.
    if (&name != &names.front() && arn_of(scope, secret) != reference) continue;
    return std::move(*row);
  }
  return not_found();
}

iam::Access Secretsmanager::access_to(const Scope& scope, const SecretRecord& secret,
                                      const std::string& action,
                                      iam::policy::ContextKeys keys) const {
  for (const auto& [key, value] : secret.tags) {
    keys.set("secretsmanager:ResourceTag/" + key, value);
    keys.set("aws:ResourceTag/" + key, value);
  }
  keys.set("secretsmanager:SecretId", arn_of(scope, secret));
  iam::Access access{
      .action = action, .resource = arn_of(scope, secret), .context = std::move(keys)};
  if (!secret.policy.empty()) {
    auto policy = iam::policy::Document::parse(secret.policy, iam::policy::DocumentKind::resource);
    if (policy) access.resource_policy = *policy;
  }
  return access;
}

Result<void> Secretsmanager::authorize(const RequestContext& ctx, const SecretRecord& secret,
                                       const std::string& action,
                                       iam::policy::ContextKeys keys) const {
  return iam.authorize(ctx, access_to(ctx.scope, secret, action, std::move(keys)));
}

Result<SecretRow> Secretsmanager::open(const RequestContext& ctx, const std::string& reference,
                                       const std::string& action, bool deleted_too) const {
  auto row = find(ctx.scope, reference);
  if (!row) {
    // Whether it exists is told to those only who may ask.
    const std::string resource = Arn::looks_like(reference)
                                     ? reference
                                     : fmt::format("arn:aws:secretsmanager:{}:{}:secret:{}-??????",
                                                   ctx.scope.region, ctx.scope.account, reference);
    LF_OK(iam.authorize(ctx, {.action = action, .resource = resource}));
    return row;
  }
  LF_OK(authorize(ctx, row->value, action));
  if (row->value.deleted != TimePoint{} && !deleted_too) {
    return errors::invalid_request(
        "You can't perform this operation on the secret because it was marked for deletion.");
  }
  static const std::set<std::string> kChanges = {
      "secretsmanager:PutSecretValue", "secretsmanager:UpdateSecret", "secretsmanager:DeleteSecret",
      "secretsmanager:UpdateSecretVersionStage"};
  if (!row->value.owning_service.empty() && kChanges.contains(action)) {
    return errors::invalid_request(
        fmt::format("You can't perform this operation on the secret because the secret is managed "
                    "by {}.",
                    row->value.owning_service));
  }
  return row;
}

task<Result<kms::KeyRow>> Secretsmanager::key_of(Scope scope, std::string kms_key) {
  co_return co_await kms.find(scope, kms_key.empty() ? "alias/aws/secretsmanager" : kms_key);
}

task<Result<VersionRecord>> Secretsmanager::seal(const RequestContext& ctx,
                                                 const SecretRecord& secret, std::string version_id,
                                                 Value value) {
  auto key = co_await key_of(ctx.scope, secret.kms_key);
  if (!key) {
    co_return errors::encryption_failure(
        fmt::format("The KMS key cannot be used: {}", key.error().message));
  }
  const kms::Context context = encryption_context(ctx.scope, secret, version_id);
  for (const char* action : {"kms:GenerateDataKey", "kms:Decrypt"}) {
    if (auto may = kms.authorize(ctx, key->value, action, context, via(ctx.scope)); !may) {
      co_return fail("AccessDeniedException",
                     "Access to KMS is not allowed: " + may.error().message);
    }
  }
  co_return seal_with(ctx.scope, key->value, secret, version_id, std::move(value));
}

Result<VersionRecord> Secretsmanager::seal_with(const Scope& scope, const kms::KeyRecord& key,
                                                const SecretRecord& secret,
                                                const std::string& version_id, Value value) {
  std::string data_key(32, '\0');
  random.fill(std::span(reinterpret_cast<unsigned char*>(data_key.data()), data_key.size()));
  auto encrypted = kms.encrypt(scope, key, data_key, encryption_context(scope, secret, version_id));
  if (!encrypted) {
    return errors::encryption_failure(
        fmt::format("The KMS key cannot be used: {}", encrypted.error().message));
  }
  VersionRecord out;
  out.data_key = base64_encode(encrypted->blob);
  out.sealed = store::Sealer::from_key(data_key, random)
                   ->seal(value.bytes, seal_context(scope, secret, version_id));
  out.binary = value.binary;
  out.kms_key_arn = encrypted->key_arn;
  out.created = clock.now();
  return out;
}

Result<Value> Secretsmanager::unseal(const Scope& scope, const SecretRecord& secret,
                                     const std::string& version_id) const {
  const auto found = secret.versions.find(version_id);
  if (found == secret.versions.end()) return not_found();
  const VersionRecord& version = found->second;
  const auto failed = [](const std::string& why) {
    return errors::decryption_failure("Secrets Manager can't decrypt the secret: " + why);
  };
  const auto blob = base64_decode(version.data_key);
  if (!blob) return failed("its data key is damaged");
  auto data_key = kms.decrypt(scope, *blob, encryption_context(scope, secret, version_id));
  if (!data_key) return failed(data_key.error().message);
  auto bytes = store::Sealer::from_key(data_key->plaintext, random)
                   ->unseal(version.sealed, seal_context(scope, secret, version_id));
  if (!bytes) return failed(bytes.error().message);
  return Value{std::move(*bytes), version.binary};
}

task<Result<Value>> Secretsmanager::read_as_role(Scope scope, std::string reference,
                                                 std::string stage, std::string version_id,
                                                 std::string role_arn, std::string session) {
  LF_CO_TRY(row, find(scope, reference));
  const SecretRecord& secret = row.value;
  iam::policy::ContextKeys keys;
  keys.set("secretsmanager:VersionStage", stage.empty() ? kCurrent : stage);
  LF_CO_OK(iam.authorize_role(
      role_arn, session,
      access_to(scope, secret, "secretsmanager:GetSecretValue", std::move(keys))));
  if (secret.deleted != TimePoint{}) {
    co_return errors::invalid_request(
        "You can't perform this operation on the secret because it was marked for deletion.");
  }
  LF_CO_TRY(id, find_version(secret, version_id, stage));
  LF_CO_TRY(key, co_await key_of(scope, secret.versions.at(id).kms_key_arn));
  LF_CO_OK(kms.authorize_role(scope, role_arn, session, key.value, "kms:Decrypt", via(scope)));
  co_return unseal(scope, secret, id);
}

Result<std::string> find_version(const SecretRecord& secret, const std::string& version_id,
                                 const std::string& stage) {
  if (!version_id.empty()) {
    const auto found = secret.versions.find(version_id);
    if (found == secret.versions.end()) {
      return errors::resource_not_found(fmt::format(
          "Secrets Manager can't find the specified secret value for VersionId: {}", version_id));
    }
    if (!stage.empty() && !found->second.stages.contains(stage)) {
      return errors::invalid_request(
          "You provided a VersionStage that is not associated to the provided VersionId.");
    }
    return version_id;
  }
  const std::string wanted = stage.empty() ? kCurrent : stage;
  for (const auto& [id, version] : secret.versions) {
    if (version.stages.contains(wanted)) return id;
  }
  return errors::resource_not_found(fmt::format(
      "Secrets Manager can't find the specified secret value for staging label: {}", wanted));
}

void stage_version(SecretRecord& secret, const std::string& id,
                   const std::set<std::string>& stages) {
  for (const std::string& stage : stages) {
    for (auto& [other, version] : secret.versions) {
      if (other == id || version.stages.erase(stage) == 0) continue;
      if (stage != kCurrent) continue;
      for (auto& [any, held] : secret.versions) held.stages.erase(kPrevious);
      version.stages.insert(kPrevious);
    }
    secret.versions[id].stages.insert(stage);
  }
  // A version that becomes current is no longer what was before.
  if (stages.contains(kCurrent)) secret.versions[id].stages.erase(kPrevious);
  while (secret.versions.size() > kMostVersions) {
    auto oldest = secret.versions.end();
    for (auto it = secret.versions.begin(); it != secret.versions.end(); ++it) {
      if (!it->second.stages.empty()) continue;
      if (oldest == secret.versions.end() || it->second.created < oldest->second.created)
        oldest = it;
    }
    if (oldest == secret.versions.end()) break;
    secret.versions.erase(oldest);
  }
}

}  // namespace landfall::secretsmanager
