#include "services/iam/oidc_providers.h"

#include "base/bytes.h"

namespace landfall::iam {

store::Table<OidcProviderRecord> oidc_providers(const Iam& iam, const std::string& account) {
  return {iam.store, fmt::format("/iam/{}/-/oidc-providers/", account)};
}

std::string oidc_provider_key(std::string_view url) { return percent_encode(url, true); }

std::string oidc_provider_arn(const std::string& account, std::string_view url) {
  return arn_of(account, "oidc-provider", "/", url);
}

std::optional<store::Row<OidcProviderRecord>> find_oidc_provider(const Iam& iam,
                                                                 const std::string& provider_arn) {
  constexpr std::string_view kKind = "oidc-provider/";
  const auto arn = Arn::parse(provider_arn);
  if (!arn || arn->service != "iam" || !arn->resource.starts_with(kKind)) return {};
  return oidc_providers(iam, arn->account)
      .get(oidc_provider_key(std::string_view(arn->resource).substr(kKind.size())));
}

}  // namespace landfall::iam
