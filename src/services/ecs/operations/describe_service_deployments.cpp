// operations: DescribeServiceDeployments, ListServiceDeployments, DescribeServiceRevisions
// operations: StopServiceDeployment
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-deployment.html
#include "services/ecs/controller/service_plan.h"
#include "services/ecs/describe.h"
#include "store/pagination.h"
#include "wire/ecs/errors.h"
#include "wire/ecs/operations.h"

namespace landfall::ecs {
namespace {

constexpr std::size_t kMostArns = 20;

std::optional<TimePoint> moment(TimePoint t) {
  return t == TimePoint{} ? std::nullopt : std::optional(t);
}

std::optional<std::string> text(std::string_view s) {
  return s.empty() ? std::nullopt : std::optional(std::string(s));
}

RevisionCounts count_now(const Tables& tables, const ServiceRecord& service,
                         const RolloutRecord& rollout) {
  RevisionCounts out{rollout.target.id, service.desired_count, 0, 0};
  for (const auto& row : tables.tasks_of_service(service)) {
    if (row.value.deployment != rollout.target.id) continue;
    if (row.value.status == TaskStatus::running) ++out.running;
    if (row.value.status < TaskStatus::running && !row.value.stop_wanted) ++out.pending;
  }
  return out;
}

ServiceRevisionSummary to_api(const Scope& scope, const ServiceRecord& service,
                              const RevisionCounts& counts) {
  ServiceRevisionSummary out;
  out.arn = revision_arn(scope, service, counts.deployment);
  out.requested_task_count = counts.requested;
  out.running_task_count = counts.running;
  out.pending_task_count = counts.pending;
  return out;
}

// How much of the traffic the new revision has, while it is not on its way back.
void show_traffic(const RolloutRecord& rollout, ServiceRevisionSummary& out) {
  if (rollout.settings.strategy == Strategy::rolling || !rollout.rollback_deployment.empty())
    return;
  out.requested_test_traffic_weight = rollout.stage >= Stage::test_traffic_shift ? 100 : 0;
  out.requested_production_traffic_weight = rollout.shifted_percent;
}

ServiceDeployment describe(const Tables& tables, const Scope& scope, const ServiceRecord& service,
                           const RolloutRecord& rollout) {
  ServiceDeployment out;
  out.service_deployment_arn = rollout_arn(scope, service, rollout.id);
  out.service_arn = service_arn(scope, service.cluster, service.name);
  out.cluster_arn = cluster_arn(scope, service.cluster);
  out.created_at = rollout.created_at;
  out.started_at = moment(rollout.started_at);
  out.finished_at = moment(rollout.finished_at);
  out.stopped_at = moment(rollout.stopped_at);
  out.updated_at = rollout.updated_at;
  out.source_service_revisions.present = true;
  for (const RevisionCounts& source : rollout.sources)
    out.source_service_revisions.push_back(to_api(scope, service, source));
  out.target_service_revision =
      to_api(scope, service,
             is_open(rollout.status) ? count_now(tables, service, rollout) : rollout.counts);
  show_traffic(rollout, *out.target_service_revision);
  out.status = name_of(rollout.status);
  out.status_reason = text(rollout.reason);
  out.lifecycle_stage = name_of(rollout.stage);
  DeploymentConfiguration configuration;
  if (record::decode(rollout.configuration, configuration))
    out.deployment_configuration = std::move(configuration);
  if (!rollout.rollback_deployment.empty())
    out.rollback = Rollback{text(rollout.rollback_reason), moment(rollout.rollback_at),
                            revision_arn(scope, service, rollout.rollback_deployment)};
  ServiceDeploymentCircuitBreaker breaker;
  breaker.status = name_of(rollout.breaker);
  breaker.failure_count = rollout.failures;
  breaker.threshold = rollout.threshold;
  out.deployment_circuit_breaker = std::move(breaker);
  ServiceDeploymentAlarms alarms;
  alarms.status = name_of(rollout.alarms);
  alarms.alarm_names.present = alarms.triggered_alarm_names.present = true;
  for (const std::string& name : rollout.alarm_names) alarms.alarm_names.push_back(name);
  for (const std::string& name : rollout.triggered_alarms)
    alarms.triggered_alarm_names.push_back(name);
  out.alarms = std::move(alarms);
  return out;
}

ServiceRevision describe_revision(const Tables& tables, const Scope& scope,
                                  const ServiceRecord& service, const RolloutRecord& rollout) {
  const DeploymentRecord& target = rollout.target;
  ServiceRevision out;
  out.service_revision_arn = revision_arn(scope, service, target.id);
  out.service_arn = service_arn(scope, service.cluster, service.name);
  out.cluster_arn = cluster_arn(scope, service.cluster);
  out.task_definition = target.task_definition;
  if (rollout.capacity_provider.empty()) {
    out.launch_type = rollout.launch_type;
  } else {
    out.capacity_provider_strategy.push_back({rollout.capacity_provider, 1, 0});
  }
  out.platform_version = rollout.platform_version == "LATEST" ? "1.4.0" : rollout.platform_version;
  out.platform_family = "Linux";
  out.network_configuration = to_api(target.network);
  out.guard_duty_enabled = false;
  out.created_at = target.created_at;
  ResolvedConfiguration resolved;
  for (const ServiceTarget& of : target.targets) {
    out.load_balancers.push_back(to_api(of));
    ServiceRevisionLoadBalancer& balancer = resolved.load_balancers.emplace_back();
    balancer.target_group_arn = group_of(target, of);
    balancer.production_listener_rule = text(of.production_rule);
  }
  if (!target.targets.empty()) out.resolved_configuration = std::move(resolved);
  out.container_images.present = true;
  const auto definition = find_definition(tables, scope, target.task_definition);
  if (!definition) return out;
  // As the tasks run it: of the service's own deployment while it is there.
  auto digests = target.image_digests;
  for (const DeploymentRecord& d : service.deployments) {
    if (d.id == target.id) digests = d.image_digests;
  }
  for (const ContainerDefinition& c : definition->value.definition.container_definitions) {
    ContainerImage& image = out.container_images.emplace_back();
    image.container_name = c.name;
    image.image = c.image;
    if (const auto found = digests.find(c.name.value_or("")); found != digests.end())
      image.image_digest = found->second;
  }
  return out;
}

Result<void> check_arns(std::string_view field, const wire::List<std::string>& arns) {
  if (arns.empty()) return errors::invalid_parameter(fmt::format("{} cannot be empty.", field));
  if (arns.size() > kMostArns)
    return errors::invalid_parameter(
        fmt::format("{} can have at most {} items.", field, kMostArns));
  return {};
}

}  // namespace

task<Result<DescribeServiceDeploymentsResponse>> describe_service_deployments(
    Ecs& ecs, const RequestContext& ctx, DescribeServiceDeploymentsRequest in) {
  LF_CO_OK(check_arns("serviceDeploymentArns", in.service_deployment_arns));
  const Tables tables = ecs.tables(ctx.scope);
  DescribeServiceDeploymentsResponse out;
  out.service_deployments.present = out.failures.present = true;
  for (const std::string& arn : in.service_deployment_arns) {
    const auto at = find_service_part(tables, ctx.scope, "service-deployment", arn);
    const auto all =
        at ? tables.rollouts_of_service(at->service.value) : std::vector<RolloutRecord>{};
    const auto found = at ? std::ranges::find(all, at->id, &RolloutRecord::id) : all.end();
    if (found == all.end()) {
      out.failures.push_back({arn, "MISSING", {}});
    } else {
      out.service_deployments.push_back(describe(tables, ctx.scope, at->service.value, *found));
    }
  }
  co_return out;
}

task<Result<ListServiceDeploymentsResponse>> list_service_deployments(
    Ecs& ecs, const RequestContext& ctx, ListServiceDeploymentsRequest in) {
  LF_CO_TRY(limit, page_size(in.max_results));
  LF_CO_TRY(after, read_page("service-deployments", in.next_token));
  const Tables tables = ecs.tables(ctx.scope);
  LF_CO_TRY(cluster, find_cluster(tables, ctx.scope, in.cluster));
  const auto name = local_name(ctx.scope, "service", cluster.id, in.service);
  const auto service = name ? tables.services.get(cluster.id + "/" + *name) : std::nullopt;
  if (!service) co_return errors::service_not_found("Service not found.");
  auto all = tables.rollouts_of_service(service->value);
  // In their order, newest first, the ids themselves say nothing.
  if (const auto last = std::ranges::find(all, after, &RolloutRecord::id); last != all.end())
    all.erase(all.begin(), last + 1);
  std::erase_if(all, [&](const RolloutRecord& r) {
    if (in.created_at && in.created_at->before && r.created_at > *in.created_at->before)
      return true;
    if (in.created_at && in.created_at->after && r.created_at < *in.created_at->after) return true;
    return !in.status.empty() &&
           std::ranges::find(in.status, std::string(name_of(r.status))) == in.status.end();
  });
  ListServiceDeploymentsResponse out;
  out.service_deployments.present = true;
  out.next_token = store::cut_page(
      all, limit, [](const RolloutRecord& r) { return r.id; }, "service-deployments");
  for (const RolloutRecord& r : all) {
    ServiceDeploymentBrief& brief = out.service_deployments.emplace_back();
    brief.service_deployment_arn = rollout_arn(ctx.scope, service->value, r.id);
    brief.service_arn = service_arn(ctx.scope, cluster.id, service->value.name);
    brief.cluster_arn = cluster_arn(ctx.scope, cluster.id);
    brief.started_at = moment(r.started_at);
    brief.created_at = r.created_at;
    brief.finished_at = moment(r.finished_at);
    brief.target_service_revision_arn = revision_arn(ctx.scope, service->value, r.target.id);
    brief.status = name_of(r.status);
    brief.status_reason = text(r.reason);
  }
  co_return out;
}

task<Result<DescribeServiceRevisionsResponse>> describe_service_revisions(
    Ecs& ecs, const RequestContext& ctx, DescribeServiceRevisionsRequest in) {
  LF_CO_OK(check_arns("serviceRevisionArns", in.service_revision_arns));
  const Tables tables = ecs.tables(ctx.scope);
  DescribeServiceRevisionsResponse out;
  out.service_revisions.present = out.failures.present = true;
  for (const std::string& arn : in.service_revision_arns) {
    const auto at = find_service_part(tables, ctx.scope, "service-revision", arn);
    const auto all =
        at ? tables.rollouts_of_service(at->service.value) : std::vector<RolloutRecord>{};
    const auto found = std::ranges::find_if(
        all, [&](const RolloutRecord& r) { return r.target.number() == at->id; });
    if (found == all.end()) {
      out.failures.push_back({arn, "MISSING", {}});
    } else {
      out.service_revisions.push_back(
          describe_revision(tables, ctx.scope, at->service.value, *found));
    }
  }
  co_return out;
}

// Records the wish; the service controller stops what is under way.
task<Result<StopServiceDeploymentResponse>> stop_service_deployment(
    Ecs& ecs, const RequestContext& ctx, StopServiceDeploymentRequest in) {
  const Tables tables = ecs.tables(ctx.scope);
  const auto at =
      find_service_part(tables, ctx.scope, "service-deployment", in.service_deployment_arn);
  if (!at) co_return errors::service_deployment_not_found("Service deployment not found.");
  const bool back = in.stop_type.value_or("ROLLBACK") == "ROLLBACK";
  const auto known = tables.rollouts_of_service(at->service.value);
  if (std::ranges::find(known, at->id, &RolloutRecord::id) == known.end())
    co_return errors::service_deployment_not_found("Service deployment not found.");
  auto changed =
      co_await tables.services.update(at->service.id, [&](ServiceRecord& service) -> Result<bool> {
        if (service.rollouts.empty() || service.rollouts.front().id != at->id ||
            !is_open(service.rollouts.front().status))
          return errors::conflict("The service deployment is not in progress.");
        RolloutRecord& rollout = service.rollouts.front();
        if (rollout.status == RolloutStatus::rollback_in_progress)
          return errors::conflict("The service deployment is being rolled back.");
        if (back && !service.last_good)
          return errors::conflict(
              "The service deployment cannot be rolled back: no earlier one has completed. Stop it "
              "with stopType ABORT.");
        rollout.status = back ? RolloutStatus::rollback_requested : RolloutStatus::stop_requested;
        rollout.updated_at = ctx.now;
        return true;
      });
  LF_CO_OK(changed);
  StopServiceDeploymentResponse out;
  out.service_deployment_arn = in.service_deployment_arn;
  co_return out;
}

}  // namespace landfall::ecs
