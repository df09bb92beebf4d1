#include "services/kms/shapes.h"

namespace landfall::kms {
namespace {

constexpr std::size_t kMostTags = 50;

}  // namespace

KeyMetadata to_metadata(const Scope& scope, const KeyRecord& key) {
  KeyMetadata out{.aws_account_id = scope.account,
                  .key_id = key.id,
                  .arn = key_arn(scope, key.id),
                  .creation_date = key.created,
                  .enabled = state_of(key) == "Enabled",
                  .description = key.description,
                  .key_usage = "ENCRYPT_DECRYPT",
                  .key_state = std::string(state_of(key)),
                  .origin = "AWS_KMS",
                  .key_manager = key.aws_service.empty() ? "CUSTOMER" : "AWS",
                  .customer_master_key_spec = "SYMMETRIC_DEFAULT",
                  .key_spec = "SYMMETRIC_DEFAULT",
                  .multi_region = false};
  out.encryption_algorithms = {"SYMMETRIC_DEFAULT"};
  if (key.deleted_at != TimePoint{}) out.deletion_date = key.deleted_at;
  if (!key.materials.empty()) out.current_key_material_id = key.materials.back().id;
  return out;
}

Result<std::string> read_marker(std::string_view list, const std::optional<std::string>& marker) {
  auto after = store::read_page_token(list, marker);
  if (!after) return errors::invalid_marker("The marker is not valid.");
  return after;
}

Result<void> add_tags(KeyRecord& key, const wire::List<Tag>& tags) {
  for (const Tag& tag : tags) {
    if (tag.tag_key.starts_with("aws:")) {
      return errors::tag("Tag keys must not start with aws:.");
    }
    key.tags[tag.tag_key] = tag.tag_value;
  }
  if (key.tags.size() > kMostTags) return errors::limit_exceeded("A key has at most 50 tags.");
  return {};
}

Context to_context(const wire::Map<std::string>& context) {
  Context out;
  for (const auto& [key, value] : context) out[key] = value;
  return out;
}

task<Result<KeyRow>> change(Kms& kms, const RequestContext& ctx, std::string key_id,
                            std::string action, std::function<Result<bool>(KeyRecord&)> edit) {
  LF_CO_TRY(row, kms.find_exact(ctx.scope, key_id));
  LF_CO_OK(kms.authorize(ctx, row.value, action));
  const std::string arn = key_arn(ctx.scope, row.id);
  if (!row.value.aws_service.empty()) {
    co_return fail("AccessDeniedException", fmt::format("{} is managed by AWS.", arn));
  }
  co_return co_await kms.keys(ctx.scope).update(
      row.id, [arn, edit = std::move(edit)](KeyRecord& key) -> Result<bool> {
        if (key.deleted_at != TimePoint{}) {
          return errors::kms_invalid_state(fmt::format("{} is pending deletion.", arn));
        }
        return edit(key);
      });
}

}  // namespace landfall::kms
