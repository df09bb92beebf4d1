// What other services may ask of EC2: places in a VPC, names, and listeners inside it.
//
// An interface is made in two steps, so that a crash between them loses nothing:
// `allocate_interface` writes it down (with its address), the controller makes it in the kernel,
// `wait_ready` waits for that. Allocation is idempotent by `owner`: a caller that crashed before it
// recorded the answer asks again and gets the same interface.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/ipv4.h"
#include "base/result.h"
#include "io/loop.h"

namespace landfall::ec2 {

// In every VPC, whatever its addresses: where the programs in it find Landfall. They are the
// addresses AWS documents, and one of our own for the API.
inline constexpr std::string_view kDnsAddress = "169.254.169.253";
inline constexpr std::string_view kMetadataAddress = "169.254.169.254";
inline constexpr std::string_view kCredentialsAddress = "169.254.170.2";
inline constexpr std::string_view kApiAddress = "169.254.170.10";
inline constexpr std::uint16_t kApiPort = 4566;  // plain HTTP and TLS; TLS also on 443

struct InterfaceRequest {
  Scope scope;
  std::string owner;  // unique in the scope, "ecs:task/0123"; also the idempotency token
  std::string subnet_id;
  std::vector<std::string> security_group_ids;  // empty: the VPC's default group
  std::string description;                      // as DescribeNetworkInterfaces shows it
  std::string interface_type = "interface";
  // true/false as asked (assignPublicIp); absent: as the subnet says (MapPublicIpOnLaunch).
  std::optional<bool> public_address = false;
  std::optional<Ipv4> private_address;  // absent: any free one of the subnet
};

struct Interface {
  Scope scope;
  std::string id;  // "eni-..."
  std::string owner;
  std::string description;
  std::string vpc_id;
  std::string subnet_id;
  std::string availability_zone;
  std::string mac;
  Ipv4 private_address;
  Cidr subnet;
  std::string private_dns_name;  // "ip-10-0-1-5.us-west-1.compute.internal"
  std::optional<Ipv4> public_address;
  std::vector<std::string> security_group_ids;
  std::string namespace_path;  // "/run/netns/lf-<tag>-eni-...": a task's containers join it
  Ipv4 dns_server;             // for resolv.conf
  std::string search_domain;   // "us-west-1.compute.internal"
};

struct SubnetInfo {
  std::string id;
  std::string arn;
  std::string vpc_id;
  Cidr block;
  std::string availability_zone;
  bool map_public_ip_on_launch = false;
  bool is_default = false;
  bool routed_to_internet = false;  // its route table sends 0.0.0.0/0 to an internet gateway
  bool vpc_has_internet_gateway = false;
};

struct VpcInfo {
  std::string id;
  Cidr block;
  bool is_default = false;
  std::string default_security_group_id;
};

// A name in DNS. Inside `vpc_id` it means the private address, elsewhere the public one (or,
// without one, still the private one, which does not answer from there: as on AWS). Names with an
// outside meaning also appear in the host's /etc/hosts.
struct DnsName {
  Scope scope;
  std::string name;   // "db.abc.us-west-1.rds.amazonaws.com", without a final dot
  std::string owner;  // "rds:db/zapier-triggers-db": replaces what this owner registered under
                      // `name` before
  std::string vpc_id;
  std::vector<Ipv4> private_addresses;
  std::vector<Ipv4> public_addresses;
};

// What a registered name means.
struct NamedPlace {
  std::string owner;  // "rds:db/zapier-triggers-db"
  std::string vpc_id;
  std::vector<std::string> interface_ids;
};

// May a packet pass from `from` to `to`:`port`? `why` is one line for people; `remedy` the command
// that would help, when one would.
struct Reachability {
  bool allowed = false;
  std::string reason;  // "allowed", "no-ingress-rule", "no-egress-rule", "no-public-address",
                       // "no-route", ...
  std::string why;
  std::string remedy;
};
struct Peer {
  std::string interface_id;  // empty: `address`, somewhere outside of every VPC
  Ipv4 address;
  // Where the interface was and what it belonged to: it is judged by these when it is gone.
  std::string subnet_id = {};
  std::vector<std::string> group_ids = {};
};

// Something of Landfall's own that listens inside every VPC. start is called when a VPC's namespace
// is there (also once for each that exists already, and again after a restart), stop before it goes
// away.
struct VpcListener {
  std::string name;  // for messages
  std::function<Result<void>(const std::string& vpc_id, const std::string& namespace_path)> start;
  std::function<void(const std::string& vpc_id, const std::string& namespace_path)> stop;
};

class Port {
 public:
  virtual ~Port() = default;

  // --- look-ups (synchronous, from the store)
  virtual std::optional<SubnetInfo> find_subnet(const Scope& scope, std::string_view id) = 0;
  virtual std::vector<SubnetInfo> subnets_of(const Scope& scope, std::string_view vpc_id) = 0;
  virtual std::optional<VpcInfo> find_vpc(const Scope& scope, std::string_view id) = 0;
  // The VPC that a security group belongs to; absent: no such group.
  virtual std::optional<std::string> vpc_of_security_group(const Scope& scope,
                                                           std::string_view id) = 0;
  // Made at first use, with its subnets. Errors: those of the store.
  virtual task<Result<VpcInfo>> default_vpc(Scope scope) = 0;
  virtual std::vector<std::string> availability_zones(std::string_view region) = 0;

  // --- interfaces
  // Errors: InvalidSubnetID.NotFound, InvalidGroup.NotFound, InvalidSubnet.Conflict (groups of
  // another VPC: code InvalidParameterValue), InsufficientFreeAddressesInSubnet,
  // AddressLimitExceeded (the public pool is used up).
  virtual task<Result<Interface>> allocate_interface(InterfaceRequest request) = 0;
  virtual std::optional<Interface> find_interface(const Scope& scope, std::string_view id) = 0;
  // The interface that has a private address in a VPC, whoever made it.
  virtual std::optional<Interface> find_interface_at(const Scope& scope, std::string_view vpc_id,
                                                     Ipv4 address) = 0;
  // All whose owner starts with `owner_prefix`: for adoption and for collecting what nobody wants
  // any more.
  virtual std::vector<Interface> interfaces_of(const Scope& scope,
                                               std::string_view owner_prefix) = 0;
  // Returns when packets can pass. Errors: "timeout", "not-found", and what the kernel said
  // ("network-failed").
  virtual task<Result<Interface>> wait_ready(Scope scope, std::string id, Millis timeout) = 0;
  // Other groups from now on (ModifyDBInstance, UpdateService).
  virtual task<Result<void>> set_security_groups(Scope scope, std::string id,
                                                 std::vector<std::string> group_ids) = 0;
  // Gives or takes the public address. Idempotent.
  virtual task<Result<Interface>> set_public_address(Scope scope, std::string id, bool wanted) = 0;
  // Traffic stops, the addresses are free again. Absent is success. Processes still inside keep
  // running, cut off.
  virtual task<Result<void>> delete_interface(Scope scope, std::string id) = 0;

  // --- names
  virtual task<Result<void>> register_name(DnsName name) = 0;
  virtual task<Result<void>> unregister_names(Scope scope, std::string owner) = 0;
  // None: not a name of this account and region.
  virtual std::optional<NamedPlace> find_name(const Scope& scope, std::string_view name) = 0;

  // --- listeners
  virtual void add_listener(VpcListener listener) = 0;

  // --- explaining
  virtual Reachability reachability(const Scope& scope, const Peer& from, const Peer& to,
                                    std::string_view protocol, std::uint16_t port) = 0;
};

// As Port::reachability from an address that stands for everybody's; `why` and `remedy` speak of
// the internet and 0.0.0.0/0.
Reachability reachable_from_outside(Port& ec2, const Scope& scope, const Peer& to,
                                    std::string_view protocol, std::uint16_t port);

}  // namespace landfall::ec2
