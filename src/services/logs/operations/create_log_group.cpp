#include "services/logs/service.h"
#include "wire/logs/errors.h"
#include "wire/logs/operations.h"

namespace landfall::logs {

task<Result<CreateLogGroupResponse>> create_log_group(Logs& logs, const RequestContext& ctx,
                                                      CreateLogGroupRequest in) {
  if (in.kms_key_id) {
    co_return errors::invalid_parameter(
        "Log groups are not encrypted under keys of KMS here; leave kmsKeyId out.");
  }
  if (in.log_group_class.value_or("STANDARD") != "STANDARD") {
    co_return errors::invalid_parameter("Only the log group class STANDARD is supported.");
  }
  if (in.deletion_protection_enabled.value_or(false)) {
    co_return errors::invalid_parameter("Deletion protection is not supported.");
  }
  GroupRecord group;
  group.id = static_cast<std::int64_t>(logs.random.next() >> 1);
  group.name = in.log_group_name;
  group.created_at = ctx.now;
  LF_CO_OK(add_tags(group.tags, in.tags));
  const Groups groups = logs.groups(ctx.scope);
  auto done =
      co_await logs.store.commit({{groups.absent(group.name)}, {groups.put(group.name, group)}});
  if (!done) co_return std::unexpected(to_api(done.error()));
  if (!done->succeeded) {
    co_return errors::resource_already_exists("The specified log group already exists");
  }
  co_return CreateLogGroupResponse{};
}

}  // namespace landfall::logs
