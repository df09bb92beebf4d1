// operations: PutRetentionPolicy, DeleteRetentionPolicy
#include "services/logs/service.h"
#include "wire/logs/errors.h"
#include "wire/logs/operations.h"

namespace landfall::logs {

namespace {

// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
constexpr std::array kDays{1,   3,   5,   7,   14,   30,   60,   90,   120,  150,  180,
                           365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653};

task<Result<void>> set_retention(Logs& logs, Scope scope, std::string name, int days) {
  LF_CO_OK(find_group(logs, scope, name));
  auto done = co_await logs.groups(scope).update(name, [days](GroupRecord& group) -> Result<bool> {
    if (group.retention_days == days) return false;
    group.retention_days = days;
    return true;
  });
  if (done) co_return Result<void>();
  if (done.error().code == "not-found")
    co_return std::unexpected(
        errors::resource_not_found("The specified log group does not exist.").error());
  if (done.error().code == "conflict") {
    co_return errors::operation_aborted(
        "Multiple concurrent requests to update the same resource were in conflict.");
  }
  co_return std::unexpected(to_api(done.error()));
}

}  // namespace

task<Result<PutRetentionPolicyResponse>> put_retention_policy(Logs& logs, const RequestContext& ctx,
                                                              PutRetentionPolicyRequest in) {
  if (std::find(kDays.begin(), kDays.end(), in.retention_in_days) == kDays.end()) {
    co_return errors::invalid_parameter(
        fmt::format("1 validation error detected: Value '{}' at 'retentionInDays' failed to "
                    "satisfy constraint: Member must satisfy enum value set: [{}]",
                    in.retention_in_days, fmt::join(kDays, ", ")));
  }
  LF_CO_OK(co_await set_retention(logs, ctx.scope, in.log_group_name, in.retention_in_days));
  co_return PutRetentionPolicyResponse{};
}

task<Result<DeleteRetentionPolicyResponse>> delete_retention_policy(
    Logs& logs, const RequestContext& ctx, DeleteRetentionPolicyRequest in) {
  LF_CO_OK(co_await set_retention(logs, ctx.scope, in.log_group_name, 0));
  co_return DeleteRetentionPolicyResponse{};
}

}  // namespace landfall::logs
