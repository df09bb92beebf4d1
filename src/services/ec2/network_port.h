// Port over the records and the controller.
#pragma once

#include "services/ec2/controller/controller.h"
#include "services/ec2/port.h"

namespace landfall::ec2 {

class NetworkPort final : public Port {
 public:
  NetworkPort(Ec2& ec2, host::network::Network& network, VpcController& controller)
      : ec2_(ec2), network_(network), controller_(controller) {}

  std::optional<SubnetInfo> find_subnet(const Scope& scope, std::string_view id) override;
  std::vector<SubnetInfo> subnets_of(const Scope& scope, std::string_view vpc_id) override;
  std::optional<VpcInfo> find_vpc(const Scope& scope, std::string_view id) override;
  std::optional<std::string> vpc_of_security_group(const Scope& scope,
                                                   std::string_view id) override;
  task<Result<VpcInfo>> default_vpc(Scope scope) override;
  std::vector<std::string> availability_zones(std::string_view region) override;

  task<Result<Interface>> allocate_interface(InterfaceRequest request) override;
  std::optional<Interface> find_interface(const Scope& scope, std::string_view id) override;
  std::optional<Interface> find_interface_at(const Scope& scope, std::string_view vpc_id,
                                             Ipv4 address) override;
  std::vector<Interface> interfaces_of(const Scope& scope, std::string_view owner_prefix) override;
  task<Result<Interface>> wait_ready(Scope scope, std::string id, Millis timeout) override;
  task<Result<void>> set_security_groups(Scope scope, std::string id,
                                         std::vector<std::string> group_ids) override;
  task<Result<Interface>> set_public_address(Scope scope, std::string id, bool wanted) override;
  task<Result<void>> delete_interface(Scope scope, std::string id) override;

  task<Result<void>> register_name(DnsName name) override;
  task<Result<void>> unregister_names(Scope scope, std::string owner) override;
  std::optional<NamedPlace> find_name(const Scope& scope, std::string_view name) override;

  void add_listener(VpcListener listener) override {
    controller_.add_listener(std::move(listener));
  }
  Reachability reachability(const Scope& scope, const Peer& from, const Peer& to,
                            std::string_view protocol, std::uint16_t port) override;

 private:
  Interface describe(const Tables& tables, const NetworkInterfaceRecord& record) const;
  SubnetInfo describe(const Tables& tables, const SubnetRecord& record) const;

  Ec2& ec2_;
  host::network::Network& network_;
  VpcController& controller_;
};

}  // namespace landfall::ec2
