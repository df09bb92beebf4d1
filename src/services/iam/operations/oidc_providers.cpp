// operations: CreateOpenIDConnectProvider, GetOpenIDConnectProvider, ListOpenIDConnectProviders
// operations: DeleteOpenIDConnectProvider, UpdateOpenIDConnectProviderThumbprint
// operations: AddClientIDToOpenIDConnectProvider, RemoveClientIDFromOpenIDConnectProvider
// operations: TagOpenIDConnectProvider, UntagOpenIDConnectProvider, ListOpenIDConnectProviderTags
#include "services/iam/oidc_providers.h"

#include "services/iam/entities.h"

namespace landfall::iam {
namespace {

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
constexpr std::size_t kMostProviders = 100;
constexpr std::size_t kMostClientIds = 100;
constexpr std::size_t kMostThumbprints = 5;
constexpr std::size_t kMostUrlBytes = 255;
constexpr std::string_view kScheme = "https://";

using Row = store::Row<OidcProviderRecord>;

std::unexpected<Error> limit(std::string_view quota, std::size_t most) {
  return errors::limit_exceeded(fmt::format("Cannot exceed quota for {}: {}", quota, most));
}

Result<Row> need_provider(const Iam& iam, const RequestContext& ctx, const std::string& arn) {
  const auto parsed = Arn::parse(arn);
  if (!parsed || parsed->service != "iam" || !parsed->resource.starts_with("oidc-provider/")) {
    return errors::invalid_input(fmt::format("Invalid ARN: {}", arn));
  }
  auto row = find_oidc_provider(iam, arn);
  if (!row || parsed->account != ctx.scope.account) {
    return errors::no_such_entity(fmt::format("OpenIDConnect Provider not found for arn {}", arn));
  }
  return std::move(*row);
}

// `change` may run more than once; false: nothing to write.
task<Result<void>> edit_provider(Iam& iam, const RequestContext& ctx, std::string arn,
                                 std::function<Result<bool>(OidcProviderRecord&)> change) {
  LF_CO_TRY(row, need_provider(iam, ctx, arn));
  LF_CO_OK(co_await iam.update(oidc_providers(iam, ctx.scope.account), row.id, std::move(change)));
  co_return Result<void>();
}

// The issuer without its scheme: a host, perhaps with a port and a path.
Result<std::string> read_url(const std::string& url) {
  const auto invalid = [] { return errors::invalid_input("Invalid Open ID Connect Provider URL"); };
  if (!url.starts_with(kScheme) || url.size() > kMostUrlBytes) return invalid();
  std::string rest = url.substr(kScheme.size());
  while (rest.ends_with('/')) rest.pop_back();
  const bool good = std::ranges::all_of(rest, [](unsigned char c) {
    return std::isalnum(c) || std::string_view("-._~:/").contains(static_cast<char>(c));
  });
  if (!good || rest.empty() || rest.starts_with('/') || rest.starts_with(':')) return invalid();
  return rest;
}

Result<std::vector<std::string>> read_thumbprints(const wire::List<std::string>& given) {
  if (given.size() > kMostThumbprints) {
    return errors::invalid_input("Thumbprint list must contain fewer than 5 entries.");
  }
  std::vector<std::string> out;
  for (const std::string& thumbprint : given) {
    std::string lower = key_of(thumbprint);
    if (lower.size() != 40 || lower.find_first_not_of("0123456789abcdef") != lower.npos) {
      return errors::invalid_input(fmt::format("Thumbprint {} is not valid.", thumbprint));
    }
    out.push_back(std::move(lower));
  }
  return out;
}

wire::List<std::string> to_list(const auto& strings) {
  wire::List<std::string> out;
  out.present = true;
  for (const std::string& one : strings) out.push_back(one);
  return out;
}

}  // namespace

task<Result<CreateOpenIDConnectProviderResponse>> create_open_id_connect_provider(
    Iam& iam, const RequestContext& ctx, CreateOpenIDConnectProviderRequest in) {
  LF_CO_TRY(url, read_url(in.url));
  LF_CO_TRY(thumbprints, read_thumbprints(in.thumbprint_list));
  LF_CO_OK(check_tags(in.tags));
  const auto table = oidc_providers(iam, ctx.scope.account);
  if (table.list().size() >= kMostProviders) {
    co_return limit("OpenIdConnectProvidersPerAccount", kMostProviders);
  }
  if (in.client_id_list.size() > kMostClientIds) {
    co_return limit("ClientIdsPerOpenIdConnectProvider", kMostClientIds);
  }
  OidcProviderRecord provider{.url = url,
                              .client_ids = {},
                              .thumbprints = std::move(thumbprints),
                              .created = ctx.now,
                              .tags = to_records(in.tags)};
  provider.client_ids.insert(in.client_id_list.begin(), in.client_id_list.end());
  const std::string key = oidc_provider_key(url);
  LF_CO_TRY(made, co_await iam.commit({{table.absent(key)}, {table.put(key, provider)}}));
  if (!made) {
    co_return errors::entity_already_exists(
        fmt::format("Provider with url {}{} already exists.", kScheme, url));
  }
  co_return CreateOpenIDConnectProviderResponse{
      .open_id_connect_provider_arn = oidc_provider_arn(ctx.scope.account, url), .tags = in.tags};
}

task<Result<GetOpenIDConnectProviderResponse>> get_open_id_connect_provider(
    Iam& iam, const RequestContext& ctx, GetOpenIDConnectProviderRequest in) {
  LF_CO_TRY(row, need_provider(iam, ctx, in.open_id_connect_provider_arn));
  const OidcProviderRecord& provider = row.value;
  co_return GetOpenIDConnectProviderResponse{.url = provider.url,
                                             .client_id_list = to_list(provider.client_ids),
                                             .thumbprint_list = to_list(provider.thumbprints),
                                             .create_date = provider.created,
                                             .tags = to_tags(provider.tags)};
}

task<Result<ListOpenIDConnectProvidersResponse>> list_open_id_connect_providers(
    Iam& iam, const RequestContext& ctx, ListOpenIDConnectProvidersRequest) {
  ListOpenIDConnectProvidersResponse out;
  out.open_id_connect_provider_list.present = true;
  for (const Row& row : oidc_providers(iam, ctx.scope.account).list()) {
    out.open_id_connect_provider_list.emplace_back().arn =
        oidc_provider_arn(ctx.scope.account, row.value.url);
  }
  co_return out;
}

task<Result<DeleteOpenIDConnectProviderResponse>> delete_open_id_connect_provider(
    Iam& iam, const RequestContext& ctx, DeleteOpenIDConnectProviderRequest in) {
  LF_CO_TRY(row, need_provider(iam, ctx, in.open_id_connect_provider_arn));
  LF_CO_OK(co_await iam.commit({{}, {oidc_providers(iam, ctx.scope.account).remove(row.id)}}));
  co_return DeleteOpenIDConnectProviderResponse{};
}

task<Result<UpdateOpenIDConnectProviderThumbprintResponse>>
update_open_id_connect_provider_thumbprint(Iam& iam, const RequestContext& ctx,
                                           UpdateOpenIDConnectProviderThumbprintRequest in) {
  LF_CO_TRY(thumbprints, read_thumbprints(in.thumbprint_list));
  LF_CO_OK(co_await edit_provider(iam, ctx, in.open_id_connect_provider_arn,
                                  [thumbprints](OidcProviderRecord& provider) -> Result<bool> {
                                    provider.thumbprints = thumbprints;
                                    return true;
                                  }));
  co_return UpdateOpenIDConnectProviderThumbprintResponse{};
}

// One that is there already is success.
task<Result<AddClientIDToOpenIDConnectProviderResponse>> add_client_id_to_open_id_connect_provider(
    Iam& iam, const RequestContext& ctx, AddClientIDToOpenIDConnectProviderRequest in) {
  LF_CO_OK(
      co_await edit_provider(iam, ctx, in.open_id_connect_provider_arn,
                             [id = in.client_id](OidcProviderRecord& provider) -> Result<bool> {
                               const bool added = provider.client_ids.insert(id).second;
                               if (provider.client_ids.size() > kMostClientIds) {
                                 return limit("ClientIdsPerOpenIdConnectProvider", kMostClientIds);
                               }
                               return added;
                             }));
  co_return AddClientIDToOpenIDConnectProviderResponse{};
}

// One that is not there is success.
task<Result<RemoveClientIDFromOpenIDConnectProviderResponse>>
remove_client_id_from_open_id_connect_provider(Iam& iam, const RequestContext& ctx,
                                               RemoveClientIDFromOpenIDConnectProviderRequest in) {
  LF_CO_OK(co_await edit_provider(iam, ctx, in.open_id_connect_provider_arn,
                                  [id = in.client_id](OidcProviderRecord& provider) {
                                    return Result<bool>(provider.client_ids.erase(id) > 0);
                                  }));
  co_return RemoveClientIDFromOpenIDConnectProviderResponse{};
}

task<Result<TagOpenIDConnectProviderResponse>> tag_open_id_connect_provider(
    Iam& iam, const RequestContext& ctx, TagOpenIDConnectProviderRequest in) {
  LF_CO_OK(co_await edit_provider(
      iam, ctx, in.open_id_connect_provider_arn,
      [tags = in.tags](OidcProviderRecord& provider) { return merge_tags(provider.tags, tags); }));
  co_return TagOpenIDConnectProviderResponse{};
}

task<Result<UntagOpenIDConnectProviderResponse>> untag_open_id_connect_provider(
    Iam& iam, const RequestContext& ctx, UntagOpenIDConnectProviderRequest in) {
  LF_CO_OK(co_await edit_provider(iam, ctx, in.open_id_connect_provider_arn,
                                  [keys = in.tag_keys](OidcProviderRecord& provider) {
                                    return take_tags(provider.tags, keys);
                                  }));
  co_return UntagOpenIDConnectProviderResponse{};
}

task<Result<ListOpenIDConnectProviderTagsResponse>> list_open_id_connect_provider_tags(
    Iam& iam, const RequestContext& ctx, ListOpenIDConnectProviderTagsRequest in) {
  LF_CO_TRY(row, need_provider(iam, ctx, in.open_id_connect_provider_arn));
  std::vector<std::pair<std::string, Tag>> all;
  for (const TagRecord& tag : row.value.tags) {
    all.emplace_back(tag.key, Tag{.key = tag.key, .value = tag.value});
  }
  std::ranges::sort(all, {}, [](const auto& item) { return item.first; });
  LF_CO_TRY(page, page_of("tags", std::move(all), in.marker, in.max_items));
  co_return ListOpenIDConnectProviderTagsResponse{
      .tags = page.items, .is_truncated = page.truncated, .marker = page.marker};
}

}  // namespace landfall::iam
