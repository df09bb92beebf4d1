// Carries out plan_target for every scalable target.
//
// A change of capacity is written down first (its activity is Pending), then ECS is told, then the
// activity is InProgress until the service has as many tasks: a crash at any point is followed by
// the same next step.
#pragma once

#include "reconcile/controller.h"
#include "services/application_autoscaling/controller/observe.h"

namespace landfall::application_autoscaling {

class TargetController {
 public:
  // Registers itself with CloudWatch as what scaling policies do.
  explicit TargetController(ApplicationAutoscaling& scaling);
  void start() { controller_.start(); }
  task<void> stop() { return controller_.stop(); }
  // For tests.
  task<void> settle() { return controller_.settle(); }
  void clock_moved() { controller_.clock_moved(); }

  // What alarms have told, for the explainer.
  const Signals& signals() const { return signals_; }

 private:
  task<Result<reconcile::Requeue>> reconcile(std::string key);
  task<Result<void>> heed(std::string action, cloudwatch::AlarmTransition transition);
  task<void> ensure_policies(Scope scope, TargetRecord target);
  task<Result<void>> carry_out(Scope scope, store::Row<TargetRecord> row, TargetPlan plan);
  task<Result<void>> tell_service(Scope scope, store::Row<TargetRecord> row,
                                  ActivityRecord activity);
  void trim(const Tables& tables, const std::string& target_key, std::size_t more, TimePoint now,
            store::Transaction& change) const;

  ApplicationAutoscaling& scaling_;
  Signals signals_;
  reconcile::Controller controller_;
};

}  // namespace landfall::application_autoscaling
