#include "services/ecs/describe.h"
#include "services/ecs/session/command_line.h"
#include "services/ecs/session/sessions.h"
#include "wire/ecs/errors.h"
#include "wire/ecs/operations.h"

namespace landfall::ecs {
namespace {

constexpr const char* kNotEnabled =
    "The execute command failed because execute command was not enabled when the task was run or "
    "the execute command agent isn't running. Wait and try again or run a new task with execute "
    "command enabled and try again.";

// What the agent in a container does with the task's role.
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
Result<void> check_role(const Ecs& ecs, const TaskRecord& task) {
  for (const char* action : {"ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
                             "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"}) {
    const auto allowed = ecs.iam.authorize_role(task.task_role, task.id,
                                                {.action = action, .resource = "*", .context = {}});
    if (!allowed)
      return errors::target_not_connected(
          fmt::format("The execute command failed: the agent in the container cannot connect. {}",
                      allowed.error().message));
  }
  return {};
}

Result<const TaskContainer*> choose(const TaskRecord& task,
                                    const std::optional<std::string>& name) {
  if (!name && task.containers.size() > 1)
    return errors::invalid_parameter(
        "The container name is required when the task has more than one container.");
  const TaskContainer* container = name ? task.container(*name) : &task.containers.front();
  if (!container)
    return errors::invalid_parameter(
        fmt::format("The container {} was not found in the task.", *name));
  if (container->status != ContainerStatus::running)
    return errors::target_not_connected(
        fmt::format("The container {} is not running.", container->name));
  return container;
}

}  // namespace

task<Result<ExecuteCommandResponse>> execute_command(Ecs& ecs, const RequestContext& ctx,
                                                     ExecuteCommandRequest in) {
  const Tables tables = ecs.tables(ctx.scope);
  LF_CO_TRY(cluster, find_cluster(tables, ctx.scope, in.cluster));
  const auto id = local_name(ctx.scope, "task", cluster.id, in.task);
  const auto row = id ? tables.tasks.get(cluster.id + "/" + *id) : std::nullopt;
  if (!row) co_return errors::invalid_parameter("The referenced task was not found.");
  const TaskRecord& task = row->value;
  if (!in.interactive)
    co_return errors::invalid_parameter("Interactive is the only mode supported currently.");
  if (!task.execute_command || !ecs.sessions) co_return errors::invalid_parameter(kNotEnabled);
  if (task.status != TaskStatus::running || task.stop_wanted)
    co_return errors::invalid_parameter(
        "The execute command failed because the task is not running.");
  LF_CO_TRY(container, choose(task, in.container));
  LF_CO_OK(check_role(ecs, task));
  const auto words = split_command(in.command);
  if (!words) co_return errors::invalid_parameter(words.error().message);
  const auto opened = ecs.sessions->open(container->host_id, *words);
  if (!opened) co_return errors::server(opened.error().message);

  ExecuteCommandResponse out;
  out.cluster_arn = cluster_arn(ctx.scope, task.cluster);
  out.task_arn = task_arn(ctx.scope, task.cluster, task.id);
  out.container_arn = container_arn(ctx.scope, task, *container);
  out.container_name = container->name;
  out.interactive = true;
  Session session;
  session.session_id = opened->id;
  session.stream_url =
      fmt::format("{}://{}{}{}", ctx.tls ? "wss" : "ws", ctx.host, kChannelPath, opened->id);
  session.token_value = opened->token;
  out.session = std::move(session);
  co_return out;
}

}  // namespace landfall::ecs
