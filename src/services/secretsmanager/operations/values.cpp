// operations: GetSecretValue, PutSecretValue, BatchGetSecretValue, UpdateSecretVersionStage
// operations: ListSecretVersionIds
#include "services/secretsmanager/shapes.h"

namespace landfall::secretsmanager {
namespace {

struct Read {
  SecretRow row;
  std::string version_id;
  Value value;
};

task<Result<Read>> read(Secretsmanager& service, const RequestContext& ctx, std::string reference,
                        std::string version_id, std::string stage) {
  auto row = service.find(ctx.scope, reference);
  if (row) {
    iam::policy::ContextKeys keys;
    keys.set("secretsmanager:VersionStage", stage.empty() ? kCurrent : stage);
    if (!version_id.empty()) keys.set("secretsmanager:VersionId", version_id);
    LF_CO_OK(service.authorize(ctx, row->value, "secretsmanager:GetSecretValue", std::move(keys)));
  }
  LF_CO_TRY(
      opened,
      row ? [&]() -> Result<SecretRow> {
        if (row->value.deleted == TimePoint{}) return std::move(*row);
        return errors::invalid_request(
            "You can't perform this operation on the secret because it was marked for deletion.");
      }()
          : service.open(ctx, reference, "secretsmanager:GetSecretValue"));
  LF_CO_TRY(id, find_version(opened.value, version_id, stage));
  const VersionRecord& version = opened.value.versions.at(id);
  LF_CO_TRY(key, co_await service.key_of(ctx.scope, version.kms_key_arn));
  const kms::Context context{{"SecretARN", arn_of(ctx.scope, opened.value)},
                             {"SecretVersionId", id}};
  if (auto may = service.kms.authorize(ctx, key.value, "kms:Decrypt", context, via(ctx.scope));
      !may) {
    co_return fail("AccessDeniedException", "Access to KMS is not allowed: " + may.error().message);
  }
  LF_CO_TRY(value, service.unseal(ctx.scope, opened.value, id));
  // LastAccessedDate counts days: one write a day.
  const TimePoint today = std::chrono::floor<std::chrono::days>(ctx.now);
  if (opened.value.accessed != today || version.accessed != today) {
    (void)co_await service.secrets(ctx.scope).update(
        opened.id, [today, id](SecretRecord& secret) -> Result<bool> {
          secret.accessed = today;
          if (const auto held = secret.versions.find(id); held != secret.versions.end()) {
            held->second.accessed = today;
          }
          return true;
        });
  }
  co_return Read{std::move(opened), std::move(id), std::move(value)};
}

template <class Out>
Out describe(const Scope& scope, Read& read) {
  const VersionRecord& version = read.row.value.versions.at(read.version_id);
  Out out{.arn = arn_of(scope, read.row.value),
          .name = read.row.value.name,
          .version_id = read.version_id,
          .version_stages = to_list(version.stages),
          .created_date = version.created};
  if (read.value.binary) {
    out.secret_binary = std::move(read.value.bytes);
  } else {
    out.secret_string = std::move(read.value.bytes);
  }
  return out;
}

}  // namespace

task<Result<GetSecretValueResponse>> get_secret_value(Secretsmanager& service,
                                                      const RequestContext& ctx,
                                                      GetSecretValueRequest in) {
  LF_CO_TRY(found, co_await read(service, ctx, in.secret_id, in.version_id.value_or(""),
                                 in.version_stage.value_or("")));
  co_return describe<GetSecretValueResponse>(ctx.scope, found);
}

task<Result<BatchGetSecretValueResponse>> batch_get_secret_value(Secretsmanager& service,
                                                                 const RequestContext& ctx,
                                                                 BatchGetSecretValueRequest in) {
  if (in.secret_id_list.empty() == in.filters.empty()) {
    co_return errors::invalid_parameter(
        "Either 'SecretIdList' or 'Filters' must be provided, not both.");
  }
  BatchGetSecretValueResponse out;
  std::vector<std::string> names(in.secret_id_list.begin(), in.secret_id_list.end());
  if (names.empty()) {
    LF_CO_TRY(after, store::read_page_token("batch", in.next_token));
    for (const auto& row : service.secrets(ctx.scope).list({}, after)) {
      if (row.value.deleted != TimePoint{}) continue;
      LF_CO_TRY(wanted, passes(row.value, in.filters));
      if (wanted) names.push_back(row.value.name);
    }
    out.next_token = store::cut_page(
        names, std::size_t(in.max_results.value_or(20)), [](const auto& name) { return name; },
        "batch");
  }
  out.secret_values.present = out.errors.present = true;
  for (const std::string& name : names) {
    auto found = co_await read(service, ctx, name, "", "");
    if (found) {
      out.secret_values.push_back(describe<SecretValueEntry>(ctx.scope, *found));
    } else {
      std::string code = found.error().code;
      if (code == "AccessDenied") code = "AccessDeniedException";
      out.errors.push_back(
          {.secret_id = name, .error_code = code, .message = found.error().message});
    }
  }
  co_return out;
}

task<Result<PutSecretValueResponse>> put_secret_value(Secretsmanager& service,
                                                      const RequestContext& ctx,
                                                      PutSecretValueRequest in) {
  LF_CO_TRY(row, service.open(ctx, in.secret_id, "secretsmanager:PutSecretValue"));
  LF_CO_TRY(value, value_in(in));
  if (!value) {
    co_return errors::invalid_parameter("You must provide either SecretString or SecretBinary.");
  }
  const std::string id = in.client_request_token.value_or(service.random.uuid());
  LF_CO_TRY(secret, co_await put_version(service, ctx, row.value.name, id, std::move(*value),
                                         {in.version_stages.begin(), in.version_stages.end()}));
  co_return PutSecretValueResponse{.arn = arn_of(ctx.scope, secret),
                                   .name = secret.name,
                                   .version_id = id,
                                   .version_stages = to_list(secret.versions.at(id).stages)};
}

task<Result<UpdateSecretVersionStageResponse>> update_secret_version_stage(
    Secretsmanager& service, const RequestContext& ctx, UpdateSecretVersionStageRequest in) {
  LF_CO_TRY(row, service.open(ctx, in.secret_id, "secretsmanager:UpdateSecretVersionStage"));
  const auto change = [in](SecretRecord& secret) -> Result<bool> {
    std::string holder;
    for (const auto& [id, version] : secret.versions) {
      if (version.stages.contains(in.version_stage)) holder = id;
    }
    if (in.remove_from_version_id && holder != *in.remove_from_version_id) {
      return errors::invalid_parameter(
          fmt::format("The staging label {} is not attached to version {}.", in.version_stage,
                      *in.remove_from_version_id));
    }
    if (!in.move_to_version_id) {
      if (!in.remove_from_version_id) {
        return errors::invalid_parameter(
            "Say where to move the label to, or from where to remove it.");
      }
      if (in.version_stage == kCurrent) {
        return errors::invalid_parameter("You can't remove the label AWSCURRENT, only move it.");
      }
      secret.versions.at(holder).stages.erase(in.version_stage);
      return true;
    }
    if (!secret.versions.contains(*in.move_to_version_id)) {
      return errors::resource_not_found("Secrets Manager can't find the specified secret version.");
    }
    if (holder == *in.move_to_version_id) return false;
    if (!holder.empty() && !in.remove_from_version_id) {
      return errors::invalid_parameter(fmt::format(
          "The parameter RemoveFromVersionId can't be empty. Staging label {} is currently "
          "attached "
          "to version {}, so you must explicitly reference that version in RemoveFromVersionId.",
          in.version_stage, holder));
    }
    stage_version(secret, *in.move_to_version_id, {in.version_stage});
    return true;
  };
  LF_CO_TRY(done, co_await service.secrets(ctx.scope).update(row.id, change));
  co_return UpdateSecretVersionStageResponse{.arn = arn_of(ctx.scope, done.value),
                                             .name = done.value.name};
}

task<Result<ListSecretVersionIdsResponse>> list_secret_version_ids(Secretsmanager& service,
                                                                   const RequestContext& ctx,
                                                                   ListSecretVersionIdsRequest in) {
  LF_CO_TRY(row, service.open(ctx, in.secret_id, "secretsmanager:ListSecretVersionIds", true));
  auto after = store::read_page_token("versions", in.next_token);
  if (!after) co_return errors::invalid_next_token("The token is not valid.");
  std::vector<std::pair<std::string, SecretVersionsListEntry>> all;
  for (const auto& [id, version] : row.value.versions) {
    if (id <= *after || (version.stages.empty() && !in.include_deprecated.value_or(false)))
      continue;
    SecretVersionsListEntry entry{.version_id = id,
                                  .version_stages = to_list(version.stages),
                                  .created_date = version.created};
    if (version.accessed != TimePoint{}) entry.last_accessed_date = version.accessed;
    entry.kms_key_ids = {row.value.kms_key.empty() ? "DefaultEncryptionKey" : row.value.kms_key};
    all.emplace_back(id, std::move(entry));
  }
  ListSecretVersionIdsResponse out{.arn = arn_of(ctx.scope, row.value), .name = row.value.name};
  out.next_token = store::cut_page(
      all, std::size_t(in.max_results.value_or(100)), [](const auto& item) { return item.first; },
      "versions");
  out.versions.present = true;
  for (auto& [id, entry] : all) out.versions.push_back(std::move(entry));
  co_return out;
}

}  // namespace landfall::secretsmanager
