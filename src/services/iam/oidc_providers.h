// OpenID Connect providers: issuers whose tokens an account believes. How their keys are fetched is
// STS's matter (services/sts/issuer_keys.h).
#pragma once

#include "services/iam/service.h"

namespace landfall::iam {

// Key: /iam/<account>/-/oidc-providers/<url, percent-encoded but for '/'>.
struct OidcProviderRecord {
  std::string url;  // the issuer, without "https://"
  std::set<std::string> client_ids;
  std::vector<std::string> thumbprints;  // 40 hexadecimal digits, lower case
  TimePoint created{};
  std::vector<TagRecord> tags;
};
LF_RECORD(OidcProviderRecord, url, client_ids, thumbprints, created, tags)

store::Table<OidcProviderRecord> oidc_providers(const Iam& iam, const std::string& account);
std::string oidc_provider_key(std::string_view url);
// "arn:aws:iam::1:oidc-provider/issuer/path"
std::string oidc_provider_arn(const std::string& account, std::string_view url);
std::optional<store::Row<OidcProviderRecord>> find_oidc_provider(const Iam& iam,
                                                                 const std::string& provider_arn);

}  // namespace landfall::iam
