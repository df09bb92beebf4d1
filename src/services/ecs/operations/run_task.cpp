#include "base/bytes.h"
#include "services/ecs/describe.h"
#include "services/ecs/launch.h"
#include "wire/ecs/errors.h"
#include "wire/ecs/operations.h"

namespace landfall::ecs {
namespace {

constexpr int kMostTasks = 10;
// A token is remembered this long after its request.
constexpr Millis kTokenLifetime = std::chrono::hours(24);

Result<void> check_refused(const RunTaskRequest& in) {
  if (!in.placement_constraints.empty() || !in.placement_strategy.empty())
    return errors::invalid_parameter(
        "Placement constraints and strategies are not supported on Fargate.");
  if (!in.volume_configurations.empty())
    return errors::invalid_parameter(
        "volumeConfigurations is not supported: tasks have no EBS volumes.");
  const int count = in.count.value_or(1);
  if (count < 1 || count > kMostTasks)
    return errors::invalid_parameter(fmt::format("count must be between 1 and {}.", kMostTasks));
  return {};
}

// The answer of an earlier request with the same token.
Result<std::optional<RunTaskResponse>> answered_before(const Tables& tables,
                                                       const RequestContext& ctx,
                                                       const std::string& cluster,
                                                       const std::string& token,
                                                       const std::string& digest) {
  const auto known = tables.tokens.get(token);
  if (!known || ctx.now - known->value.at > kTokenLifetime) return std::nullopt;
  if (known->value.digest != digest)
    return errors::conflict("The clientToken was used before with a different request.");
  RunTaskResponse out;
  out.tasks.present = out.failures.present = true;
  for (const std::string& id : known->value.tasks) {
    if (const auto row = tables.tasks.get(cluster + "/" + id))
      out.tasks.push_back(describe_task(ctx.scope, row->value, true));
  }
  return out;
}

}  // namespace

// Records what shall run; the task controller makes it run.
task<Result<RunTaskResponse>> run_task(Ecs& ecs, const RequestContext& ctx, RunTaskRequest in) {
  LF_CO_OK(check_refused(in));
  LF_CO_TRY(tags, read_tags(in.tags));
  const Tables tables = ecs.tables(ctx.scope);
  LF_CO_TRY(cluster, find_cluster(tables, ctx.scope, in.cluster));
  const std::string token = percent_encode(in.client_token.value_or(""));
  const std::string digest = sha256_hex(record::to_text(in));
  if (!token.empty()) {
    LF_CO_TRY(before, answered_before(tables, ctx, cluster.id, token, digest));
    if (before) co_return std::move(*before);
  }
  LF_CO_TRY(launch, check_launch(in.launch_type, in.capacity_provider_strategy, cluster.value));
  LF_CO_OK(check_platform_version(in.platform_version));
  const auto definition = find_definition(tables, ctx.scope, in.task_definition);
  if (!definition) co_return errors::invalid_parameter("TaskDefinition not found.");
  if (definition->value.definition.status != "ACTIVE")
    co_return errors::client("TaskDefinition is inactive");
  if (in.overrides) LF_CO_OK(check_overrides(definition->value.definition, *in.overrides));
  LF_CO_TRY(network, check_network(ecs, ctx.scope, in.network_configuration));
  if (in.propagate_tags.value_or("NONE") == "TASK_DEFINITION") {
    std::vector<TagRecord> merged = definition->value.tags;
    LF_CO_OK(merge_tags(merged, tags));
    tags = std::move(merged);
  }

  RunTaskResponse out;
  out.tasks.present = out.failures.present = true;
  TokenRecord remembered{digest, {}, ctx.now};
  store::Transaction change;
  for (int i = 0; i < in.count.value_or(1); ++i) {
    NewTask wanted{.cluster = cluster.id,
                   .launch = launch,
                   .network = network,
                   .subnet = network.subnets[static_cast<std::size_t>(i) % network.subnets.size()],
                   .overrides = in.overrides,
                   .started_by = in.started_by.value_or(""),
                   .group = in.group.value_or(""),
                   .tags = tags,
                   .execute_command = in.enable_execute_command.value_or(false)};
    TaskRecord made =
        new_task(ecs.random, ctx.now, definition->value.definition, std::move(wanted));
    if (i == 0) {
      LF_CO_OK(check_roles(ecs, made.task_role, made.execution_role));
      if (made.execute_command)
        LF_CO_OK(check_execute_command(ecs, made.task_role, "task couldn't be started"));
      for (const std::string& role : {made.task_role, made.execution_role}) {
        if (role.empty()) continue;
        if (auto passed = ecs.iam.check_pass_role(ctx, role, "ecs-tasks.amazonaws.com"); !passed)
          co_return errors::access_denied(passed.error().message);
      }
    }
    const std::string id = made.cluster + "/" + made.id;
    change.conditions.push_back(tables.tasks.absent(id));
    change.operations.push_back(tables.tasks.put(id, made));
    remembered.tasks.push_back(made.id);
    out.tasks.push_back(describe_task(ctx.scope, made, true));
  }
  // The cluster is not deleted under a task that begins.
  change.conditions.push_back(tables.clusters.unchanged(cluster.id, cluster.revision));
  if (!token.empty()) {
    const auto known = tables.tokens.get(token);
    change.conditions.push_back(tables.tokens.unchanged(token, known ? known->revision : 0));
    change.operations.push_back(tables.tokens.put(token, remembered));
  }
  LF_CO_TRY(done, co_await ecs.store.commit(std::move(change)));
  if (!done.succeeded)
    co_return errors::server(
        "The cluster was changed by another request at the same time. Try again.");
  co_return out;
}

}  // namespace landfall::ecs
