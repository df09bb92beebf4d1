#include "services/iam/entities.h"

namespace landfall::iam {

task<Result<GetAccountSummaryResponse>> get_account_summary(Iam& iam, const RequestContext& ctx,
                                                            GetAccountSummaryRequest) {
  const std::string& account = ctx.scope.account;
  const auto count = [](const auto& table) { return std::int32_t(table.list().size()); };
  std::int32_t versions = 0;
  const auto policies = iam.policies(account).list();
  for (const auto& row : policies) versions += std::int32_t(row.value.versions.size());
  bool root_has_key = false;
  for (const auto& row : iam.access_keys().list()) {
    root_has_key = root_has_key || (row.value.account == account && row.value.user.empty());
  }
  GetAccountSummaryResponse out;
  out.summary_map = std::map<std::string, std::int32_t>{
      {"Users", count(iam.users(account))},
      {"Groups", count(iam.groups(account))},
      {"Roles", count(iam.roles(account))},
      {"Policies", std::int32_t(policies.size())},
      {"PolicyVersionsInUse", versions},
      {"InstanceProfiles", count(iam.instance_profiles(account))},
      {"AccountAccessKeysPresent", root_has_key ? 1 : 0},
      {"AccountMFAEnabled", 0},
      {"MFADevices", 0},
      {"ServerCertificates", 0},
      {"AccessKeysPerUserQuota", 2},
      {"VersionsPerPolicyQuota", 5},
      {"PolicySizeQuota", 6144},
      {"UserPolicySizeQuota", 2048},
      {"GroupPolicySizeQuota", 5120},
      {"AssumeRolePolicySizeQuota", 4096}};
  co_return out;
}

}  // namespace landfall::iam
