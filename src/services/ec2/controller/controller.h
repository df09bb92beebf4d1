// Makes the VPCs of the store true: kernel, DNS, listeners inside, names outside.
//
// Work keys: "<account>/<region>/<vpc id>" converges one VPC as a whole; "names" rebuilds what
// names mean; "sweep" removes what a crash left behind. A VPC without interfaces costs nothing: it
// is made with its first one.
#pragma once

#include <map>
#include <set>
#include <string>

#include "host/dns/resolver.h"
#include "host/network/network.h"
#include "reconcile/controller.h"
#include "services/ec2/controller/flow_delivery.h"
#include "services/ec2/controller/plan.h"
#include "services/ec2/port.h"
#include "services/ec2/service.h"

namespace landfall::ec2 {

struct VpcControllerOptions {
  std::string hosts_file = "/etc/hosts";  // empty: left alone
  Millis flow_window = std::chrono::seconds(20);
};

// The API at the address of an endpoint's interface.
struct EndpointListener {
  std::function<Result<void>(const std::string& address, const std::string& namespace_path)> start;
  std::function<void(const std::string& address, const std::string& namespace_path)> stop;
};

class VpcController {
 public:
  VpcController(Ec2& ec2, host::network::Network& network, host::dns::Resolver& dns,
                VpcControllerOptions options);
  ~VpcController();

  void start();
  // Leaves the networks as they are: they carry traffic. Closes what this process serves inside
  // them.
  task<void> stop();

  void add_listener(VpcListener listener);
  // What answers on the interfaces of VPC endpoints; before start().
  void set_endpoint_listener(EndpointListener listener);
  // The hosted zones that DNS answers from; resumes when it does.
  task<void> set_zones(host::dns::ZoneTable zones);
  // See Port::wait_ready.
  task<Result<void>> wait_ready(Scope scope, std::string id, Millis timeout);
  // Resumes when the kernel has the VPC as the store says now, or when it takes longer than
  // `timeout`. A VPC without interfaces is not in the kernel, and not waited for.
  task<void> wait_in_force(Scope scope, std::string vpc_id, Millis timeout);
  // For tests: nothing left to do.
  task<void> settle() { return controller_.settle(); }

 private:
  struct Vpc {
    std::set<std::string> ready;    // interfaces that are in the kernel as they were at `seen`
    std::set<std::string> made;     // interfaces that may have a namespace
    std::set<std::string> started;  // names of the listeners that run inside
    store::Revision seen = 0;       // of the store, when the records in the kernel were read
    bool open = false;              // has a namespace, as far as we know
    std::optional<Error> error;     // of the last attempt
    std::map<std::string, std::string> endpoints;  // served: interface -> address
    // Flow logs: which set counts, since when, and for whom.
    std::string key;  // of its work
    int generation = 0;
    bool counting = false, window_ends = false;
    TimePoint window_start{};
    std::vector<NetworkInterfaceRecord> counted;
    host::dns::NameTable public_names;    // of its interfaces' public addresses
    std::map<std::string, Error> failed;  // by interface
  };

  task<Result<reconcile::Requeue>> reconcile(std::string key);
  task<Result<void>> converge(std::string key);
  task<Result<void>> remove(std::string vpc_id, Vpc& vpc);
  task<Result<void>> serve_inside(const VpcRecords& records, const Scope& scope, Vpc& vpc,
                                  bool reopen);
  Result<void> start_listeners(const std::string& vpc_id, Vpc& vpc);
  Result<void> serve_endpoints(const VpcRecords& records, Vpc& vpc);
  void stop_listeners(const std::string& vpc_id, Vpc& vpc);
  task<void> take_flows(const VpcRecords& records, Scope scope, Vpc& vpc, int generation);
  task<void> end_windows();
  void remember_public_names();
  task<Result<void>> publish_names();
  task<Result<void>> sweep();

  Ec2& ec2_;
  host::network::Network& network_;
  host::dns::Resolver& dns_;
  VpcControllerOptions options_;
  std::vector<VpcListener> listeners_;
  EndpointListener endpoint_listener_;
  host::dns::ZoneTable zones_;
  std::map<std::string, Vpc> vpcs_;  // by VPC id
  io::Event progress_;
  FlowDelivery flows_;
  io::Event tick_;
  io::TaskScope tasks_;
  reconcile::Controller controller_;
};

}  // namespace landfall::ec2
