// operations: CreateAlias, UpdateAlias, DeleteAlias, ListAliases
#include "services/kms/shapes.h"

namespace landfall::kms {
namespace {

Result<std::string> alias_id(const std::string& name) {
  if (!name.starts_with("alias/") || name.size() == 6) {
    return errors::invalid_alias_name(
        "Alias must start with the prefix \"alias/\". Please see "
        "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html");
  }
  return name.substr(6);
}

std::unexpected<Error> no_alias(const Scope& scope, const std::string& name) {
  return errors::not_found(fmt::format("Alias {} is not found.", alias_arn(scope, name)));
}

std::unexpected<Error> reserved() {
  return fail("NotAuthorizedException", "Aliases that begin with alias/aws/ are AWS's own.");
}

// The caller must be allowed to act on the alias, too.
Result<void> authorize_alias(Kms& kms, const RequestContext& ctx, const std::string& name,
                             const std::string& action) {
  return kms.iam.authorize(ctx, {.action = action, .resource = alias_arn(ctx.scope, name)});
}

}  // namespace

task<Result<CreateAliasResponse>> create_alias(Kms& kms, const RequestContext& ctx,
                                               CreateAliasRequest in) {
  LF_CO_TRY(id, alias_id(in.alias_name));
  if (id.starts_with("aws/")) co_return reserved();
  LF_CO_TRY(key, kms.find_exact(ctx.scope, in.target_key_id));
  LF_CO_OK(authorize_alias(kms, ctx, in.alias_name, "kms:CreateAlias"));
  LF_CO_OK(kms.authorize(ctx, key.value, "kms:CreateAlias"));
  const auto aliases = kms.aliases(ctx.scope);
  const AliasRecord alias{
      .name = in.alias_name, .key_id = key.id, .created = ctx.now, .updated = ctx.now};
  LF_CO_TRY(made, co_await kms.store.commit({{aliases.absent(id)}, {aliases.put(id, alias)}}));
  if (!made.succeeded) {
    co_return errors::already_exists(fmt::format("An alias with the name {} already exists",
                                                 alias_arn(ctx.scope, in.alias_name)));
  }
  co_return CreateAliasResponse{};
}

task<Result<UpdateAliasResponse>> update_alias(Kms& kms, const RequestContext& ctx,
                                               UpdateAliasRequest in) {
  LF_CO_TRY(id, alias_id(in.alias_name));
  if (id.starts_with("aws/")) co_return reserved();
  const auto row = kms.aliases(ctx.scope).get(id);
  if (!row) co_return no_alias(ctx.scope, in.alias_name);
  LF_CO_TRY(key, kms.find_exact(ctx.scope, in.target_key_id));
  LF_CO_OK(authorize_alias(kms, ctx, in.alias_name, "kms:UpdateAlias"));
  LF_CO_OK(kms.authorize(ctx, key.value, "kms:UpdateAlias"));
  LF_CO_OK(co_await kms.aliases(ctx.scope).update(
      id, [key_id = key.id, now = ctx.now](AliasRecord& alias) -> Result<bool> {
        alias.key_id = key_id;
        alias.updated = now;
        return true;
      }));
  co_return UpdateAliasResponse{};
}

task<Result<DeleteAliasResponse>> delete_alias(Kms& kms, const RequestContext& ctx,
                                               DeleteAliasRequest in) {
  LF_CO_TRY(id, alias_id(in.alias_name));
  if (id.starts_with("aws/")) co_return reserved();
  const auto aliases = kms.aliases(ctx.scope);
  const auto row = aliases.get(id);
  if (!row) co_return no_alias(ctx.scope, in.alias_name);
  LF_CO_OK(authorize_alias(kms, ctx, in.alias_name, "kms:DeleteAlias"));
  if (const auto key = kms.find_exact(ctx.scope, row->value.key_id)) {
    LF_CO_OK(kms.authorize(ctx, key->value, "kms:DeleteAlias"));
  }
  LF_CO_OK(co_await kms.store.commit({{}, {aliases.remove(id)}}));
  co_return DeleteAliasResponse{};
}

task<Result<ListAliasesResponse>> list_aliases(Kms& kms, const RequestContext& ctx,
                                               ListAliasesRequest in) {
  LF_CO_TRY(after, read_marker("aliases", in.marker));
  std::string key_id;
  if (in.key_id) {
    LF_CO_TRY(key, kms.find_exact(ctx.scope, *in.key_id));
    key_id = key.id;
  }
  auto rows = kms.aliases(ctx.scope).list({}, after);
  if (!key_id.empty()) {
    std::erase_if(rows, [&](const auto& row) { return row.value.key_id != key_id; });
  }
  ListAliasesResponse out;
  out.next_marker = store::cut_page(
      rows, std::size_t(in.limit.value_or(50)), [](const auto& row) { return row.id; }, "aliases");
  out.truncated = out.next_marker.has_value();
  out.aliases.present = true;
  for (const auto& row : rows) {
    out.aliases.push_back({.alias_name = row.value.name,
                           .alias_arn = alias_arn(ctx.scope, row.value.name),
                           .target_key_id = row.value.key_id,
                           .creation_date = row.value.created,
                           .last_updated_date = row.value.updated});
  }
  co_return out;
}

}  // namespace landfall::kms
