#include "services/ecs/service_port.h"

#include "wire/ecs/errors.h"

namespace landfall::ecs {

std::optional<ServiceScale> ServicePort::find_service(const Scope& scope,
                                                      const std::string& cluster,
                                                      const std::string& service) const {
  const Tables tables = ecs_.tables(scope);
  const auto row = tables.services.get(cluster + "/" + service);
  if (!row || row->value.status != ServiceStatus::active) return {};
  const ServiceRecord& record = row->value;
  ServiceScale out{.arn = service_arn(scope, cluster, service),
                   .cluster = cluster,
                   .service = service,
                   .desired = record.desired_count};
  out.deploying =
      record.deployments.size() != 1 || record.deployments.front().rollout == Rollout::in_progress;
  for (const auto& task : tables.tasks_of_service(record)) {
    if (task.value.status == TaskStatus::running) ++out.running;
    if (task.value.status < TaskStatus::running && !task.value.stop_wanted) ++out.pending;
  }
  return out;
}

task<Result<void>> ServicePort::set_desired_count(Scope scope, std::string cluster,
                                                  std::string service, int count) {
  auto done = co_await ecs_.tables(scope).services.update(
      cluster + "/" + service, [&](ServiceRecord& record) -> Result<bool> {
        if (record.status != ServiceStatus::active)
          return errors::service_not_active("Service was not ACTIVE.");
        if (record.desired_count == count) return false;
        record.desired_count = count;
        record.steady = false;
        return true;
      });
  if (!done && done.error().code == "not-found")
    co_return errors::service_not_found("Service not found.");
  if (!done) co_return std::unexpected(done.error());
  co_return Result<void>();
}

std::optional<ServiceKey> parse_service_key(std::string_view key) {
  static_assert(kKeyPrefix == kPrefix);
  const auto parts = parse_key(key);
  if (!parts || parts->table != "services") return {};
  return ServiceKey{parts->scope, parts->cluster, parts->name};
}

}  // namespace landfall::ecs
