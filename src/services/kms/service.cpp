#include "services/kms/service.h"

#include "base/bytes.h"
#include "services/kms/grants.h"
#include "wire/kms/errors.h"

namespace landfall::kms {
namespace {

constexpr std::string_view kForm = "LFK1";
constexpr std::size_t kIdBytes = 36;
constexpr std::size_t kMaterialIdBytes = 64;

template <class T>
store::Table<T> table(store::Store& store, const Scope& scope, std::string_view name) {
  return {store, fmt::format("/kms/{}/{}/{}/", scope.account, scope.region, name)};
}

// Authenticated with the ciphertext: the same pairs in any order are the same context.
std::string seal_context(const std::string& key_id, const Context& context) {
  json::object pairs;
  for (const auto& [key, value] : context) pairs[key] = value;
  return fmt::format("kms/{}/{}", key_id, json::serialize(pairs));
}

std::unexpected<Error> invalid_ciphertext() { return errors::invalid_ciphertext(""); }

std::unexpected<Error> no_key(const Scope& scope, const std::string& reference) {
  const std::string arn = Arn::looks_like(reference) ? reference : key_arn(scope, reference);
  return errors::not_found(fmt::format("Key '{}' does not exist", arn));
}

struct Blob {
  std::string key_id;
  std::string material_id;
  std::string sealed;
};

std::optional<Blob> read_blob(std::string_view blob) {
  if (!blob.starts_with(kForm) || blob.size() <= kForm.size() + kIdBytes + kMaterialIdBytes)
    return {};
  blob.remove_prefix(kForm.size());
  Blob out;
  out.key_id = blob.substr(0, kIdBytes);
  out.material_id = blob.substr(kIdBytes, kMaterialIdBytes);
  out.sealed = blob.substr(kIdBytes + kMaterialIdBytes);
  return out;
}

iam::policy::ContextKeys context_keys(const Context& context, const std::string& via) {
  iam::policy::ContextKeys keys;
  std::vector<std::string> names;
  for (const auto& [key, value] : context) {
    keys.set("kms:EncryptionContext:" + key, value);
    names.push_back(key);
  }
  if (!names.empty()) keys.set("kms:EncryptionContextKeys", std::move(names));
  if (!via.empty()) keys.set("kms:ViaService", via);
  return keys;
}

// "secretsmanager" may use AWS's own key of Secrets Manager for whoever it serves, and nobody else.
std::optional<Result<void>> decide_managed(const KeyRecord& key, const std::string& action,
                                           const std::string& via) {
  if (key.aws_service.empty()) return {};
  const bool use = action == "kms:Decrypt" || action == "kms:Encrypt" ||
                   action.starts_with("kms:GenerateDataKey") || action == "kms:ReEncrypt";
  if (use && via.starts_with(key.aws_service + ".")) return Result<void>();
  return {};
}

}  // namespace

// "/kms/<account>/<region>/keys/<id>"
std::optional<std::pair<Scope, std::string>> parse_key(std::string_view key) {
  std::vector<std::string> parts;
  for (std::size_t at = 1; at <= key.size();) {
    const std::size_t slash = std::min(key.find('/', at), key.size());
    parts.emplace_back(key.substr(at, slash - at));
    at = slash + 1;
  }
  if (parts.size() != 5 || parts[3] != "keys") return {};
  return std::pair(Scope{parts[1], parts[2]}, parts[4]);
}

std::string key_arn(const Scope& scope, std::string_view id) {
  return fmt::format("arn:aws:kms:{}:{}:key/{}", scope.region, scope.account, id);
}

std::string alias_arn(const Scope& scope, std::string_view name) {
  return fmt::format("arn:aws:kms:{}:{}:{}", scope.region, scope.account, name);
}

std::string_view state_of(const KeyRecord& key) {
  if (key.deleted_at != TimePoint{}) return "PendingDeletion";
  return key.enabled ? "Enabled" : "Disabled";
}

Result<void> check_usable(const Scope& scope, const KeyRecord& key) {
  const std::string arn = key_arn(scope, key.id);
  if (key.deleted_at != TimePoint{}) {
    return errors::kms_invalid_state(fmt::format("{} is pending deletion.", arn));
  }
  if (!key.enabled) return errors::disabled(fmt::format("{} is disabled.", arn));
  return {};
}

std::string default_policy(const std::string& account) {
  return fmt::format(
      R"({{"Version":"2012-10-17","Id":"key-default-1","Statement":[{{"Sid":"Enable IAM User Permissions","Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{}:root"}},"Action":"kms:*","Resource":"*"}}]}})",
      account);
}

Result<void> check_policy(const std::string& text) {
  auto parsed = iam::policy::Document::parse(text, iam::policy::DocumentKind::resource);
  if (!parsed) return errors::malformed_policy_document(parsed.error().message);
  return {};
}

store::Table<KeyRecord> Kms::keys(const Scope& scope) const {
  return table<KeyRecord>(store, scope, "keys");
}
store::Table<AliasRecord> Kms::aliases(const Scope& scope) const {
  return table<AliasRecord>(store, scope, "aliases");
}
store::Table<GrantRecord> Kms::grants(const Scope& scope) const {
  return table<GrantRecord>(store, scope, "grants");
}

std::vector<GrantRecord> Kms::grants_of(const Scope& scope, const std::string& key_id) const {
  std::vector<GrantRecord> out;
  for (auto& row : grants(scope).list(key_id + "/")) out.push_back(std::move(row.value));
  return out;
}

MaterialRecord Kms::make_material(const std::string& key_id, bool on_demand) const {
  MaterialRecord out;
  out.id = random.hex(kMaterialIdBytes);
  std::string material(32, '\0');
  random.fill(std::span(reinterpret_cast<unsigned char*>(material.data()), material.size()));
  out.sealed = sealer.seal(material, fmt::format("kms/{}/{}", key_id, out.id));
  out.created = clock.now();
  out.on_demand = on_demand;
  return out;
}

KeyRecord Kms::make_key(const Scope& scope, std::string policy, std::string aws_service) const {
  KeyRecord key;
  key.id = random.uuid();
  key.policy = policy.empty() ? default_policy(scope.account) : std::move(policy);
  key.aws_service = std::move(aws_service);
  key.rotates = !key.aws_service.empty();
  key.created = clock.now();
  key.materials.push_back(make_material(key.id));
  return key;
}

task<Result<KeyRow>> Kms::find(Scope scope, std::string reference) {
  std::string name = reference;
  if (Arn::looks_like(reference)) {
    const auto arn = Arn::parse(reference);
    if (!arn || arn->service != "kms") {
      co_return errors::invalid_arn(fmt::format("Invalid arn {}", reference));
    }
    if (arn->region != scope.region || arn->account != scope.account) {
      co_return no_key(scope, reference);
    }
    name = arn->resource;
  }
  if (!name.starts_with("alias/")) co_return find_exact(scope, reference);
  const auto table = aliases(scope);
  const std::string id = name.substr(6);
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (const auto alias = table.get(id)) co_return find_exact(scope, alias->value.key_id);
    if (!id.starts_with("aws/")) break;
    // One of AWS's own, at its first use; somebody else may make it at the same moment.
    const KeyRecord key = make_key(scope, {}, id.substr(4));
    const AliasRecord alias{
        .name = name, .key_id = key.id, .created = key.created, .updated = key.created};
    LF_CO_OK(co_await store.commit(
        {{table.absent(id)}, {table.put(id, alias), keys(scope).put(key.id, key)}}));
  }
  co_return errors::not_found(fmt::format("Alias {} is not found.", alias_arn(scope, name)));
}

Result<KeyRow> Kms::find_exact(const Scope& scope, const std::string& reference) const {
  std::string id = reference;
  if (Arn::looks_like(reference)) {
    const auto arn = Arn::parse(reference);
    if (!arn || arn->service != "kms" || !arn->resource.starts_with("key/")) {
      return errors::invalid_arn(fmt::format("Invalid arn {}", reference));
    }
    if (arn->region != scope.region || arn->account != scope.account) {
      return no_key(scope, reference);
    }
    id = arn->resource.substr(4);
  }
  auto row = keys(scope).get(id);
  const TimePoint now = clock.now();
  if (!row || (row->value.deleted_at != TimePoint{} && row->value.deleted_at <= now)) {
    return no_key(scope, reference);
  }
  return std::move(*row);
}

Result<Encrypted> Kms::encrypt(const Scope& scope, const KeyRecord& key, std::string_view plaintext,
                               const Context& context) const {
  LF_OK(check_usable(scope, key));
  const MaterialRecord& current = key.materials.back();
  LF_TRY(material, sealer.unseal(current.sealed, fmt::format("kms/{}/{}", key.id, current.id)));
  const auto by_key = store::Sealer::from_key(material, random);
  return Encrypted{fmt::format("{}{}{}{}", kForm, key.id, current.id,
                               by_key->seal(plaintext, seal_context(key.id, context))),
                   key_arn(scope, key.id), current.id};
}

Result<KeyRow> Kms::key_of(const Scope& scope, std::string_view blob) const {
  const auto read = read_blob(blob);
  if (!read) return invalid_ciphertext();
  auto row = find_exact(scope, read->key_id);
  if (!row) return invalid_ciphertext();
  return row;
}

Result<Decrypted> Kms::decrypt(const Scope& scope, std::string_view blob, const Context& context,
                               const std::string& expected_id) const {
  const auto read = read_blob(blob);
  if (!read) return invalid_ciphertext();
  const auto row = find_exact(scope, read->key_id);
  if (!row) return invalid_ciphertext();
  const KeyRecord& key = row->value;
  if (!expected_id.empty() && expected_id != key.id) {
    return errors::incorrect_key(
        "The key ID in the request does not identify a CMK that can perform this operation.");
  }
  LF_OK(check_usable(scope, key));
  const auto held = std::ranges::find(key.materials, read->material_id, &MaterialRecord::id);
  if (held == key.materials.end()) return invalid_ciphertext();
  LF_TRY(material, sealer.unseal(held->sealed, fmt::format("kms/{}/{}", key.id, held->id)));
  const auto by_key = store::Sealer::from_key(material, random);
  auto plaintext = by_key->unseal(read->sealed, seal_context(key.id, context));
  if (!plaintext) return invalid_ciphertext();
  return Decrypted{std::move(*plaintext), key_arn(scope, key.id), held->id};
}

Result<iam::Access> Kms::access_to(const Scope& scope, const KeyRecord& key,
                                   const std::vector<GrantRecord>& grants,
                                   const std::string& action, iam::policy::ContextKeys keys) const {
  LF_TRY(policy, iam::policy::Document::parse(with_grants(key.policy, grants),
                                              iam::policy::DocumentKind::resource));
  return iam::Access{.action = action,
                     .resource = key_arn(scope, key.id),
                     .context = std::move(keys),
                     .resource_policy = policy,
                     .resource_policy_decides = true};
}

Result<void> Kms::authorize(const RequestContext& ctx, const KeyRecord& key,
                            const std::string& action, const Context& context,
                            const std::string& via) const {
  if (const auto decided = decide_managed(key, action, via)) return *decided;
  LF_TRY(access, access_to(ctx.scope, key, grants_of(ctx.scope, key.id), action,
                           context_keys(context, via)));
  return iam.authorize(ctx, access);
}

Result<void> Kms::authorize_role(const Scope& scope, const std::string& role_arn,
                                 const std::string& session, const KeyRecord& key,
                                 const std::string& action, const std::string& via) const {
  if (const auto decided = decide_managed(key, action, via)) return *decided;
  LF_TRY(access, access_to(scope, key, grants_of(scope, key.id), action, context_keys({}, via)));
  return iam.authorize_role(role_arn, session, access);
}

}  // namespace landfall::kms
