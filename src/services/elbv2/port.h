// What other services (ECS, Auto Scaling) may ask of Elastic Load Balancing.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "io/task.h"
#include "services/elbv2/health.h"

namespace landfall::elbv2 {

struct TargetGroupInfo {
  std::string arn;
  std::string name;
  std::string target_type;  // "ip", "instance"
  std::string protocol;
  std::string vpc_id;
  int port = 0;
  // The load balancer whose listeners or rules forward to it; empty: none does yet, and ECS refuses
  // to create a service with it ("does not have an associated load balancer").
  std::string load_balancer_arn;
  // How long a deregistered target drains.
  int deregistration_delay_seconds = 300;
};

// How a rule divides its requests: weights by target group ARN.
using Weights = std::map<std::string, int>;

struct TargetInfo {
  std::string id;
  int port = 0;
  Health health;
};

class Port {
 public:
  virtual ~Port() = default;
  // None: no such target group in this account and region.
  virtual std::optional<TargetGroupInfo> find_target_group(const Scope& scope,
                                                           std::string_view arn) = 0;
  // Idempotent. id: an address for groups of type "ip". Errors: TargetGroupNotFound,
  // InvalidTarget, TooManyTargets, ValidationError.
  virtual task<Result<void>> register_target(Scope scope, std::string group_arn, std::string id,
                                             int port) = 0;
  // No new requests from now on; what is in flight may end within the deregistration delay. Absent,
  // target or group, is success.
  virtual task<Result<void>> deregister_target(Scope scope, std::string group_arn, std::string id,
                                               int port) = 0;
  // State "unused" with reason "Target.NotRegistered" for what is not registered. Draining targets
  // show "draining" until the deregistration delay has passed, then they are gone.
  virtual Health target_health(const Scope& scope, std::string_view group_arn, std::string_view id,
                               int port) = 0;
  virtual std::vector<TargetInfo> targets(const Scope& scope, std::string_view group_arn) = 0;
  // What a listener rule, a listener's default rule or a listener itself forwards to. None: there
  // is no such thing, or it does not forward.
  virtual std::optional<Weights> traffic(const Scope& scope, std::string_view rule_arn) = 0;
  // Returns when the load balancer does it. Idempotent. Errors: RuleNotFound, ListenerNotFound,
  // TargetGroupNotFound and what else ModifyRule says.
  virtual task<Result<void>> set_traffic(Scope scope, std::string rule_arn, Weights weights) = 0;
  // `changed` is called whenever the health of any target may have changed; for as long as the port
  // lives.
  virtual void add_health_listener(std::function<void()> changed) = 0;
};

}  // namespace landfall::elbv2
