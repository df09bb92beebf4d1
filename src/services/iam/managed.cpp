#include "services/iam/managed.h"

namespace landfall::iam {
namespace {

// AWS made its policies at many times; ours come with the program.
constexpr std::int64_t kManagedSinceMs = 1'423'180'800'000;  // 2015-02-06

void count(Usage& usage, const EntityPolicies& policies, const std::string& boundary) {
  for (const std::string& arn : policies.attached) ++usage.attached[arn];
  if (!boundary.empty()) ++usage.boundaries[boundary];
}

std::int32_t look_up(const std::map<std::string, std::int32_t>& counts, const std::string& arn) {
  const auto found = counts.find(arn);
  return found == counts.end() ? 0 : found->second;
}

}  // namespace

std::string version_name(std::int32_t number) { return fmt::format("v{}", number); }

Result<store::Row<PolicyRecord>> need_policy(const Iam& iam, const std::string& arn) {
  const auto parsed = Arn::parse(arn);
  if (parsed && parsed->service == "iam") {
    auto row = iam.policies(parsed->account).get(key_of(last_part(arn)));
    if (row && arn_of(parsed->account, "policy", row->value.path, row->value.name) == arn) {
      return std::move(*row);
    }
  }
  return errors::no_such_entity(fmt::format("Policy {} was not found.", arn));
}

task<Result<void>> edit_policy(Iam& iam, std::string arn,
                               std::function<Result<bool>(PolicyRecord&)> change) {
  if (find_managed_policy(arn)) {
    co_return fail("AccessDenied", fmt::format("Policy {} is managed by AWS.", arn), 403);
  }
  LF_CO_TRY(row, need_policy(iam, arn));
  auto done = co_await iam.update(iam.policies(Arn::parse(arn)->account), row.id, change);
  if (done) co_return Result<void>();
  if (done.error().code == "not-found") {
    co_return errors::no_such_entity(fmt::format("Policy {} was not found.", arn));
  }
  co_return std::unexpected(std::move(done.error()));
}

Usage usage_of(const Iam& iam, const std::string& account) {
  Usage usage;
  for (const auto& row : iam.users(account).list()) {
    count(usage, row.value.policies, row.value.boundary);
  }
  for (const auto& row : iam.groups(account).list()) count(usage, row.value.policies, "");
  for (const auto& row : iam.roles(account).list()) {
    count(usage, row.value.policies, row.value.boundary);
  }
  return usage;
}

Policy to_policy(const PolicyRecord& policy, const std::string& account, const Usage& usage) {
  const std::string arn = arn_of(account, "policy", policy.path, policy.name);
  Policy out{.policy_name = policy.name,
             .policy_id = policy.id,
             .arn = arn,
             .path = policy.path,
             .default_version_id = version_name(policy.default_version),
             .attachment_count = look_up(usage.attached, arn),
             .permissions_boundary_usage_count = look_up(usage.boundaries, arn),
             .is_attachable = true,
             .create_date = policy.created,
             .update_date = policy.updated,
             .tags = to_tags(policy.tags)};
  if (!policy.description.empty()) out.description = policy.description;
  return out;
}

Policy to_policy(const ManagedPolicy& policy, const Usage& usage) {
  const std::string arn = policy.arn();
  return {.policy_name = std::string(policy.name),
          .policy_id = policy.id(),
          .arn = arn,
          .path = std::string(policy.path),
          .default_version_id = "v1",
          .attachment_count = look_up(usage.attached, arn),
          .permissions_boundary_usage_count = look_up(usage.boundaries, arn),
          .is_attachable = true,
          .create_date = from_unix_ms(kManagedSinceMs),
          .update_date = from_unix_ms(kManagedSinceMs)};
}

}  // namespace landfall::iam
