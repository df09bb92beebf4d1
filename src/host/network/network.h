// The networks of one Landfall instance in the kernel: a namespace per VPC and per interface, and
// the edge, which stands for the internet.
//
//   host --(veth lf-<tag>)-- edge --(veth v<vpc>)-- VPC namespace --(veth e<eni>)-- interface's
//   namespace
//
// Everything is routed, so the VPC's firewall sees every packet, also inside a subnet. The edge
// sends a public address to the VPC that holds it, which translates it 1:1; the client's address is
// preserved. The host reaches the public pool through the edge, and nothing else: an unreachable
// route covers the pool, so that nothing leaks when the edge is gone.
//
// All calls are level-triggered: they say what should be, and may be repeated after a crash at any
// point.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "host/instance.h"
#include "host/network/firewall.h"
#include "host/network/flows.h"
#include "host/network/spec.h"
#include "io/loop.h"

namespace landfall::host::network {

struct NetworkOptions {
  // Public addresses. Its last four are the link between host and edge. Instances on one machine
  // need disjoint pools.
  Cidr public_pool{{198u << 24 | 18u << 16}, 16};
};

// What carries this instance's tag.
struct Observed {
  std::set<std::string> vpcs;        // ids
  std::set<std::string> interfaces;  // ids
};

class Network {
 public:
  Network(io::Loop& loop, Instance instance, NetworkOptions options);
  ~Network();
  Network(const Network&) = delete;

  const Instance& instance() const { return instance_; }
  const Cidr& public_pool() const { return options_.public_pool; }
  // The host, as programs inside a VPC see it.
  Ipv4 host_address() const { return options_.public_pool.last() + -2u; }
  // May be given to an interface: not the pool's first address and not the link.
  bool assignable(Ipv4 address) const;

  std::string vpc_namespace(std::string_view vpc_id) const {
    return instance_.namespace_path(vpc_id);
  }
  std::string interface_namespace(std::string_view id) const {
    return instance_.namespace_path(id);
  }

  // Error "pool-in-use": the host has other routes into the pool. For the start, before anything
  // needs the edge.
  Result<void> check_pool() const;
  // Errors: "not-permitted", "program-missing", "pool-in-use", "network-failed".
  task<Result<void>> ensure_edge();

  // Makes the VPC what `wanted` says: its namespace, subnets, interfaces, firewall and public
  // addresses. When it returns without error, packets pass (or do not) as told. One interface that
  // fails does not keep the others from working; its error is in the report. One call per VPC at a
  // time.
  struct Report {
    std::map<std::string, Error> failed;  // by interface id
    bool created = false;  // the VPC's namespace is new: sockets inside an older one are dead
  };
  task<Result<Report>> converge(VpcSpec wanted);
  // What has been counted in one generation (VpcSpec::flows), which is empty afterwards. For one
  // that does not count now, or before the first converge() of this process.
  task<Result<FlowCounts>> take_flows(std::string vpc_id, int generation);
  // With everything in it. Absent is success.
  task<Result<void>> remove_vpc(std::string vpc_id);
  // An interface's namespace, after converge() has cut it off. Absent is success.
  task<Result<void>> remove_interface_namespace(std::string id);

  Observed observe() const;
  // Edge, VPCs, interfaces, routes: everything with the tag.
  task<Result<void>> remove_all();

 private:
  struct Edge;
  std::string name_of(std::string_view what) const { return instance_.namespace_name(what); }
  std::string host_device() const { return "lf-" + instance_.tag; }
  task<Result<void>> make_edge();
  task<Result<void>> ensure_uplink(std::string vpc_id);
  task<Result<void>> ensure_devices(const VpcSpec& wanted, Report& report);
  task<Result<void>> remove_devices(const VpcSpec& wanted);
  // Everything of a VPC in the kernel but its rules, to be compared.
  struct Settled {
    std::string frame;                              // blocks and subnets
    std::map<std::string, std::string> interfaces;  // by id
    std::set<Ipv4> public_addresses;
    VpcSpec spec;
  };
  static Settled settled_as(const VpcSpec& wanted, const Ruleset& rules);
  bool still_there(const Settled& settled) const;
  // Absent: more than rules has changed.
  task<std::optional<Result<void>>> converge_rules(VpcSpec wanted);
  task<Result<void>> run_nft(std::string vpc_id, std::string script);
  task<Result<Report>> converge_all(const VpcSpec& wanted, const Ruleset& rules);
  task<Result<Report>> converge_changes(const VpcSpec& wanted, const Ruleset& rules,
                                        const Settled& before, const Settled& now);
  task<Result<void>> apply_firewall(const VpcSpec& wanted, const Ruleset& rules);
  task<Result<void>> route_public_addresses(const VpcSpec& wanted, const Ruleset& rules,
                                            bool only_removals);
  // One `ip -batch` inside a namespace ("" for the host's); nothing to do is success.
  task<Result<void>> run_batch(std::string namespace_name, std::vector<std::string> lines);

  io::Loop& loop_;
  Instance instance_;
  NetworkOptions options_;
  bool edge_ready_ = false;
  bool edge_busy_ = false;
  io::Event edge_settled_;
  // What each VPC's table holds, as far as we have seen to it ourselves; absent: not known.
  std::map<std::string, Ruleset> applied_;
  // What was made for each VPC, where it succeeded, and what it was made for.
  std::map<std::string, Settled> settled_;
};

}  // namespace landfall::host::network
