#include "services/ecs/rotation_tasks.h"

#include "base/bytes.h"
#include "services/ecs/controller/task_plan.h"

namespace landfall::ecs {
namespace {

std::unexpected<Error> refused(std::string message) {
  return fail("InvalidParameterException", std::move(message));
}

std::string tag(const TaskDefinitionRecord& definition, std::string_view key) {
  const auto found = std::ranges::find(definition.tags, key, &TagRecord::key);
  return found == definition.tags.end() ? std::string() : found->value;
}

wire::List<std::string> words(std::string_view text) {
  wire::List<std::string> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    if (end > 0) out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

struct Place {
  std::string cluster;
  store::Revision cluster_revision = 0;
  Launch launch;
  Network network;
};

// Where a definition's tags send its tasks. No subnets: `network` is empty.
Result<Place> place_of(const Ecs& ecs, const Scope& scope, const TaskDefinitionRecord& definition) {
  Place out;
  const std::string cluster = tag(definition, "landfall:cluster");
  const auto found = find_cluster(ecs.tables(scope), scope,
                                  cluster.empty() ? std::optional<std::string>() : cluster);
  if (!found) {
    return refused(fmt::format(
        "There is no cluster {} to rotate in: the task definition's tag landfall:cluster names "
        "one.",
        cluster.empty() ? "default" : cluster));
  }
  out.cluster = found->id;
  out.cluster_revision = found->revision;
  LF_TRY(launch, check_launch("FARGATE", {}, found->value));
  out.launch = launch;
  NetworkConfiguration wanted;
  AwsVpcConfiguration& vpc = wanted.awsvpc_configuration.emplace();
  vpc.subnets = words(tag(definition, "landfall:subnets"));
  vpc.security_groups = words(tag(definition, "landfall:security-groups"));
  if (vpc.subnets.empty()) return out;
  auto network = check_network(ecs, scope, wanted);
  if (!network) return refused(network.error().message);
  out.network = std::move(*network);
  return out;
}

task<Result<Network>> default_network(Ecs& ecs, Scope scope) {
  LF_CO_TRY(vpc, co_await ecs.ec2.default_vpc(scope));
  Network out;
  out.assign_public_ip = true;
  for (const ec2::SubnetInfo& subnet : ecs.ec2.subnets_of(scope, vpc.id)) {
    if (subnet.is_default) out.subnets.push_back(subnet.id);
  }
  if (out.subnets.empty()) {
    co_return refused(
        "The default VPC has no subnets: name some in the task definition's tag "
        "landfall:subnets.");
  }
  co_return out;
}

std::optional<store::Row<TaskRecord>> find_task(const Ecs& ecs, const Scope& scope,
                                                const std::string& arn) {
  const auto parsed = Arn::parse(arn);
  constexpr std::string_view kKind = "task/";
  if (!parsed || !parsed->resource.starts_with(kKind)) return {};
  return ecs.tables(scope).tasks.get(parsed->resource.substr(kKind.size()));
}

}  // namespace

Result<void> RotationTasks::check(const RequestContext& ctx, const std::string& definition) const {
  const auto found = find_definition(ecs_.tables(ctx.scope), ctx.scope, definition);
  if (!found) return refused(fmt::format("There is no task definition {}.", definition));
  const TaskDefinition& text = found->value.definition;
  if (text.status != "ACTIVE") return refused(fmt::format("{} is inactive.", definition));
  LF_OK(place_of(ecs_, ctx.scope, found->value));
  const auto denied = [](const Error& error) {
    return fail("AccessDeniedException", error.message);
  };
  if (auto may = ecs_.iam.authorize(
          ctx, {.action = "ecs:RunTask", .resource = text.task_definition_arn.value_or("*")});
      !may)
    return denied(may.error());
  for (const auto& role : {text.task_role_arn, text.execution_role_arn}) {
    if (!role || role->empty()) continue;
    if (auto passed = ecs_.iam.check_pass_role(ctx, *role, "ecs-tasks.amazonaws.com"); !passed)
      return denied(passed.error());
  }
  return {};
}

task<Result<std::string>> RotationTasks::start(Scope scope, std::string definition,
                                               std::string token,
                                               std::map<std::string, std::string> environment) {
  const Tables tables = ecs_.tables(scope);
  const auto found = find_definition(tables, scope, definition);
  if (!found) co_return refused(fmt::format("There is no task definition {}.", definition));
  LF_CO_TRY(place, place_of(ecs_, scope, found->value));
  if (place.network.subnets.empty()) {
    LF_CO_TRY(network, co_await default_network(ecs_, scope));
    place.network = std::move(network);
  }
  TaskOverride overrides;
  for (const ContainerDefinition& container : found->value.definition.container_definitions) {
    ContainerOverride& change = overrides.container_overrides.emplace_back();
    change.name = container.name;
    for (const auto& [name, value] : environment)
      change.environment.push_back({.name = name, .value = value});
  }
  LF_CO_OK(check_overrides(found->value.definition, overrides));
  const std::string subnet = place.network.subnets.front();
  TaskRecord made = new_task(ecs_.random, ecs_.clock.now(), found->value.definition,
                             {.cluster = place.cluster,
                              .launch = place.launch,
                              .network = place.network,
                              .subnet = subnet,
                              .overrides = std::move(overrides),
                              .started_by = "secretsmanager.amazonaws.com",
                              .tags = {}});
  LF_CO_OK(check_roles(ecs_, made.task_role, made.execution_role));
  made.id = sha256_hex("rotation " + token).substr(0, made.id.size());
  for (std::size_t i = 0; i < made.containers.size(); ++i)
    made.containers[i].host_id = fmt::format("{}-{}", made.id, i);
  const std::string id = made.cluster + "/" + made.id;
  const std::string arn = task_arn(scope, made.cluster, made.id);
  if (tables.tasks.get(id)) co_return arn;
  LF_CO_TRY(done, co_await ecs_.store.commit(
                      {{tables.tasks.absent(id),
                        tables.clusters.unchanged(place.cluster, place.cluster_revision)},
                       {tables.tasks.put(id, made)}}));
  if (!done.succeeded && !tables.tasks.get(id)) {
    co_return fail("conflict", "the cluster was changed by another request at the same time");
  }
  co_return arn;
}

std::optional<Result<void>> RotationTasks::ended(const Scope& scope, const std::string& arn) const {
  const auto row = find_task(ecs_, scope, arn);
  if (!row) return fail("task-gone", fmt::format("the task {} is gone", arn));
  const TaskRecord& done = row->value;
  if (done.status != TaskStatus::stopped) return {};
  for (const TaskContainer& container : done.containers) {
    if (!container.essential || container.exit_code == 0) continue;
    const std::string last =
        container.last_lines.empty() ? "" : fmt::format(": {}", container.last_lines.back());
    if (container.exit_code) {
      return fail("task-failed", fmt::format("container {} of {} ended with exit code {}{}",
                                             container.name, arn, *container.exit_code, last));
    }
    return fail("task-failed", fmt::format("{} stopped: {}", arn, done.stopped_reason));
  }
  return Result<void>();
}

task<Result<void>> RotationTasks::stop(Scope scope, std::string arn, std::string reason) {
  const auto row = find_task(ecs_, scope, arn);
  if (!row) co_return Result<void>();
  LF_CO_OK(
      co_await ecs_.tables(scope).tasks.update(row->id, [&](TaskRecord& running) -> Result<bool> {
        if (running.stop_wanted) return false;
        want_stop(running, "UserInitiated", "Secret rotation: " + reason, ecs_.clock.now());
        ++running.version;
        return true;
      }));
  co_return Result<void>();
}

}  // namespace landfall::ecs
