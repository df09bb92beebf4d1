#include "services/logs/service.h"
#include "wire/logs/operations.h"

namespace landfall::logs {

// The group is gone with the first write; housekeeping finds the streams if the second does not
// happen.
task<Result<DeleteLogGroupResponse>> delete_log_group(Logs& logs, const RequestContext& ctx,
                                                      DeleteLogGroupRequest in) {
  const Groups groups = logs.groups(ctx.scope);
  for (;;) {
    LF_CO_TRY(group, find_group(logs, ctx.scope, in.log_group_name));
    auto done = co_await logs.store.commit(
        {{groups.unchanged(group.id, group.revision)}, {groups.remove(group.id)}});
    if (!done) co_return std::unexpected(to_api(done.error()));
    if (!done->succeeded) continue;
    auto dropped = co_await logs.engine.drop_group(group.value.id);
    if (!dropped) co_return std::unexpected(to_api(dropped.error()));
    co_return DeleteLogGroupResponse{};
  }
}

}  // namespace landfall::logs
