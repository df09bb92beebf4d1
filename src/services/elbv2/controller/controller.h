// Makes load balancers what their records say: interfaces, names, the proxy's configuration.
//
// Work keys: the store key of a load balancer, of a removed one, of a draining target; "proxy" for
// a new configuration.
#pragma once

#include "reconcile/controller.h"
#include "services/elbv2/controller/feeder.h"
#include "services/elbv2/controller/meter.h"
#include "services/elbv2/controller/plan.h"

namespace landfall::elbv2 {

class BalancerController {
 public:
  BalancerController(Elbv2& elbv2, FeederOptions options);
  void start();
  task<void> stop();
  // The counters of all load balancers, as Prometheus reads them.
  task<std::string> prometheus() { return meter_.prometheus(); }

 private:
  task<Result<reconcile::Requeue>> reconcile(std::string key);
  task<Result<reconcile::Requeue>> reconcile_balancer(Key key);
  task<Result<reconcile::Requeue>> reconcile_removed(Key key);
  task<Result<reconcile::Requeue>> reconcile_target(Key key);
  task<Result<void>> apply(Step step, LoadBalancerRecord wanted);
  task<Result<void>> make_interface(LoadBalancerRecord wanted, std::string subnet_id);
  task<Result<void>> publish(LoadBalancerRecord wanted);
  // Edits the record if it is still the same load balancer's.
  task<Result<void>> change(LoadBalancerRecord wanted,
                            std::function<void(LoadBalancerRecord&)> edit);
  std::vector<ObservedInterface> observe(const LoadBalancerRecord& wanted);
  task<void> wait_in_force(store::Revision revision);

  Elbv2& elbv2_;
  Feeder feeder_;
  Meter meter_;
  reconcile::Controller controller_;
};

}  // namespace landfall::elbv2
