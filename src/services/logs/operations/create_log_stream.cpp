// operations: CreateLogStream, DeleteLogStream
#include "services/logs/service.h"
#include "wire/logs/errors.h"
#include "wire/logs/operations.h"

namespace landfall::logs {

task<Result<CreateLogStreamResponse>> create_log_stream(Logs& logs, const RequestContext& ctx,
                                                        CreateLogStreamRequest in) {
  LF_CO_TRY(group, find_group(logs, ctx.scope, in.log_group_name));
  auto created = co_await logs.engine.create_stream(group.value.id, in.log_stream_name);
  if (!created && created.error().code == "exists") {
    co_return errors::resource_already_exists("The specified log stream already exists");
  }
  if (!created) co_return std::unexpected(to_api(created.error()));
  co_return CreateLogStreamResponse{};
}

task<Result<DeleteLogStreamResponse>> delete_log_stream(Logs& logs, const RequestContext& ctx,
                                                        DeleteLogStreamRequest in) {
  LF_CO_TRY(group, find_group(logs, ctx.scope, in.log_group_name));
  LF_CO_OK(find_stream(logs, group, in.log_stream_name));
  auto deleted = co_await logs.engine.delete_stream(group.value.id, in.log_stream_name);
  if (!deleted) co_return std::unexpected(to_api(deleted.error()));
  co_return DeleteLogStreamResponse{};
}

}  // namespace landfall::logs
