#include "services/secretsmanager/shapes.h"

namespace landfall::secretsmanager {

task<Result<ListSecretsResponse>> list_secrets(Secretsmanager& service, const RequestContext& ctx,
                                               ListSecretsRequest in) {
  auto after = store::read_page_token("secrets", in.next_token);
  if (!after) co_return errors::invalid_next_token("The token is not valid.");
  const bool descending = in.sort_order == "desc";
  const std::string by = in.sort_by.value_or("created-date");
  std::vector<std::pair<std::string, SecretRecord>> all;
  for (auto& row : service.secrets(ctx.scope).list()) {
    SecretRecord& secret = row.value;
    if (secret.gone_at != TimePoint{} && secret.gone_at <= ctx.now) continue;
    if (secret.deleted != TimePoint{} && !in.include_planned_deletion.value_or(false)) continue;
    LF_CO_TRY(wanted, passes(secret, in.filters));
    if (!wanted) continue;
    const TimePoint time = by == "last-changed-date"    ? secret.changed
                           : by == "last-accessed-date" ? secret.accessed
                                                        : secret.created;
    std::string key =
        by == "name" ? secret.name : fmt::format("{:020}/{}", to_unix_ms(time), secret.name);
    all.emplace_back(std::move(key), std::move(secret));
  }
  std::ranges::sort(all, [&](const auto& a, const auto& b) {
    return descending ? b.first < a.first : a.first < b.first;
  });
  if (!after->empty()) {
    std::erase_if(all, [&](const auto& item) {
      return descending ? item.first >= *after : item.first <= *after;
    });
  }
  ListSecretsResponse out;
  out.next_token = store::cut_page(
      all, std::size_t(in.max_results.value_or(100)), [](const auto& item) { return item.first; },
      "secrets");
  out.secret_list.present = true;
  for (const auto& [key, secret] : all) {
    SecretListEntry entry{.arn = arn_of(ctx.scope, secret),
                          .name = secret.name,
                          .last_changed_date = secret.changed,
                          .tags = to_tags(secret.tags),
                          .secret_versions_to_stages = to_stages(secret, true),
                          .created_date = secret.created};
    if (!secret.description.empty()) entry.description = secret.description;
    if (!secret.kms_key.empty()) entry.kms_key_id = secret.kms_key;
    if (secret.accessed != TimePoint{}) entry.last_accessed_date = secret.accessed;
    if (secret.deleted != TimePoint{}) entry.deleted_date = secret.deleted;
    add_owner(secret, entry);
    describe_rotation(service, ctx.scope, secret, entry);
    out.secret_list.push_back(std::move(entry));
  }
  co_return out;
}

}  // namespace landfall::secretsmanager
