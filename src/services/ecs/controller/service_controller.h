// Makes services what their records say: carries out service_plan, one transaction a step.
#pragma once

#include "reconcile/controller.h"
#include "services/ecs/controller/service_plan.h"
#include "services/ecs/service.h"

namespace landfall::ecs {

// A deleted service can be described as INACTIVE this long.
inline constexpr Millis kKeepInactive = std::chrono::hours(1);

// Service deployments and revisions are remembered this long, as on AWS.
inline constexpr Millis kKeepRollouts = std::chrono::days(90);

class ServiceController {
 public:
  explicit ServiceController(Ecs& ecs);
  void start() { controller_.start(); }
  task<void> stop() { return controller_.stop(); }
  // For tests.
  task<void> settle() { return controller_.settle(); }
  void clock_moved() { controller_.clock_moved(); }

 private:
  task<Result<reconcile::Requeue>> reconcile(std::string key);
  task<Result<bool>> carry_out(Scope scope, store::Row<ServiceRecord> row,
                               std::vector<store::Row<TaskRecord>> tasks, ServicePlan plan);
  Observed observe(const Scope& scope, const ServiceRecord& service,
                   const std::vector<store::Row<TaskRecord>>& tasks);
  std::vector<store::Row<TaskRecord>> tasks_of(const Tables& tables, const ServiceRecord& service);
  std::vector<std::string> services_watching(const std::string& key) const;
  void watch_alarms(const std::string& key, const Scope& scope,
                    const std::vector<std::string>& names);
  task<Result<void>> shift(Scope scope, ServiceRecord service, std::vector<Shift> shifts);
  task<Result<void>> forget(Scope scope, store::Row<ServiceRecord> row);

  Ecs& ecs_;
  std::map<std::string, std::string> zones_;  // by subnet; they never change
  // Keys of the services that name an alarm. Filled again after a restart, when every service is
  // looked at.
  std::map<std::pair<Scope, std::string>, std::set<std::string>> watching_;
  // Tasks as they were last read, by cluster (its key prefix) and key. A service of hundreds of
  // tasks is looked at after every change of each: only what has changed is parsed.
  std::map<std::string, std::map<std::string, store::Row<TaskRecord>>> known_;
  reconcile::Controller controller_;
};

}  // namespace landfall::ecs
