// operations: CreatePolicyVersion, GetPolicyVersion, DeletePolicyVersion, ListPolicyVersions
// operations: SetDefaultPolicyVersion
#include "services/iam/managed.h"

namespace landfall::iam {
namespace {

constexpr std::size_t kPolicyBytes = 6144;
constexpr std::size_t kMostVersions = 5;

std::unexpected<Error> no_such_version(const std::string& arn, const std::string& version) {
  return errors::no_such_entity(
      fmt::format("Policy {} version {} does not exist or is not attachable.", arn, version));
}

PolicyVersion to_version(const PolicyRecord& policy, const PolicyVersionRecord& version,
                         bool with_document) {
  PolicyVersion out{.version_id = version_name(version.number),
                    .is_default_version = version.number == policy.default_version,
                    .create_date = version.created};
  if (with_document) out.document = encoded_document(version.document);
  return out;
}

}  // namespace

task<Result<CreatePolicyVersionResponse>> create_policy_version(Iam& iam, const RequestContext& ctx,
                                                                CreatePolicyVersionRequest in) {
  if (document_size(in.policy_document) > kPolicyBytes) {
    co_return errors::limit_exceeded("Cannot exceed quota for PolicySize: 6144");
  }
  LF_CO_OK(check_identity_document(in.policy_document));
  const auto add = [document = in.policy_document, now = ctx.now,
                    set = in.set_as_default.value_or(false)](PolicyRecord& policy) -> Result<bool> {
    if (policy.versions.size() >= kMostVersions) {
      return errors::limit_exceeded(
          "A managed policy can have up to 5 versions. Before you create a new version, you must "
          "delete an existing version.");
    }
    policy.versions.push_back(
        {.number = ++policy.last_version, .document = document, .created = now});
    policy.updated = now;
    if (set) policy.default_version = policy.last_version;
    return true;
  };
  LF_CO_OK(co_await edit_policy(iam, in.policy_arn, add));
  LF_CO_TRY(row, need_policy(iam, in.policy_arn));
  co_return CreatePolicyVersionResponse{
      .policy_version = to_version(row.value, row.value.versions.back(), false)};
}

task<Result<GetPolicyVersionResponse>> get_policy_version(Iam& iam, const RequestContext&,
                                                          GetPolicyVersionRequest in) {
  if (const ManagedPolicy* managed = find_managed_policy(in.policy_arn)) {
    if (in.version_id != "v1") co_return no_such_version(in.policy_arn, in.version_id);
    co_return GetPolicyVersionResponse{
        .policy_version = PolicyVersion{.document = encoded_document(managed->document),
                                        .version_id = "v1",
                                        .is_default_version = true,
                                        .create_date = to_policy(*managed, {}).create_date}};
  }
  LF_CO_TRY(row, need_policy(iam, in.policy_arn));
  for (const PolicyVersionRecord& version : row.value.versions) {
    if (version_name(version.number) == in.version_id) {
      co_return GetPolicyVersionResponse{.policy_version = to_version(row.value, version, true)};
    }
  }
  co_return no_such_version(in.policy_arn, in.version_id);
}

task<Result<DeletePolicyVersionResponse>> delete_policy_version(Iam& iam, const RequestContext&,
                                                                DeletePolicyVersionRequest in) {
  const auto erase = [in](PolicyRecord& policy) -> Result<bool> {
    if (version_name(policy.default_version) == in.version_id) {
      return errors::delete_conflict("Cannot delete the default version of a policy.");
    }
    const auto gone = std::erase_if(policy.versions, [&](const PolicyVersionRecord& version) {
      return version_name(version.number) == in.version_id;
    });
    if (gone) return true;
    return no_such_version(in.policy_arn, in.version_id);
  };
  LF_CO_OK(co_await edit_policy(iam, in.policy_arn, erase));
  co_return DeletePolicyVersionResponse{};
}

task<Result<ListPolicyVersionsResponse>> list_policy_versions(Iam& iam, const RequestContext&,
                                                              ListPolicyVersionsRequest in) {
  std::vector<std::pair<std::string, PolicyVersion>> all;
  if (const ManagedPolicy* managed = find_managed_policy(in.policy_arn)) {
    all.emplace_back("1", PolicyVersion{.version_id = "v1",
                                        .is_default_version = true,
                                        .create_date = to_policy(*managed, {}).create_date});
  } else {
    LF_CO_TRY(row, need_policy(iam, in.policy_arn));
    for (const PolicyVersionRecord& version : row.value.versions) {
      // The newest first; the id sorts the same way.
      all.emplace_back(fmt::format("{:010}", 1'000'000'000 - version.number),
                       to_version(row.value, version, false));
    }
    std::ranges::sort(all, {}, [](const auto& item) { return item.first; });
  }
  LF_CO_TRY(page, page_of("policy-versions", std::move(all), in.marker, in.max_items));
  co_return ListPolicyVersionsResponse{
      .versions = page.items, .is_truncated = page.truncated, .marker = page.marker};
}

task<Result<SetDefaultPolicyVersionResponse>> set_default_policy_version(
    Iam& iam, const RequestContext& ctx, SetDefaultPolicyVersionRequest in) {
  const auto set = [in, now = ctx.now](PolicyRecord& policy) -> Result<bool> {
    for (const PolicyVersionRecord& version : policy.versions) {
      if (version_name(version.number) != in.version_id) continue;
      policy.default_version = version.number;
      policy.updated = now;
      return true;
    }
    return no_such_version(in.policy_arn, in.version_id);
  };
  LF_CO_OK(co_await edit_policy(iam, in.policy_arn, set));
  co_return SetDefaultPolicyVersionResponse{};
}

}  // namespace landfall::iam
