// Port over the records.
#pragma once

#include "services/elbv2/port.h"
#include "services/elbv2/service.h"

namespace landfall::elbv2 {

class TargetPort final : public Port {
 public:
  explicit TargetPort(Elbv2& elbv2) : elbv2_(elbv2) {}

  std::optional<TargetGroupInfo> find_target_group(const Scope& scope,
                                                   std::string_view arn) override;
  task<Result<void>> register_target(Scope scope, std::string group_arn, std::string id,
                                     int port) override;
  task<Result<void>> deregister_target(Scope scope, std::string group_arn, std::string id,
                                       int port) override;
  Health target_health(const Scope& scope, std::string_view group_arn, std::string_view id,
                       int port) override;
  std::vector<TargetInfo> targets(const Scope& scope, std::string_view group_arn) override;
  std::optional<Weights> traffic(const Scope& scope, std::string_view rule_arn) override;
  task<Result<void>> set_traffic(Scope scope, std::string rule_arn, Weights weights) override;
  void add_health_listener(std::function<void()> changed) override {
    elbv2_.health_listeners.push_back(std::move(changed));
  }

 private:
  Elbv2& elbv2_;
};

}  // namespace landfall::elbv2
