// A VPC's firewall and address translation as nftables: what the ruleset should hold (pure), and
// the script that takes the kernel from one state to another in a single transaction, so that no
// packet ever meets a half-made rule.
//
// How a packet is judged, in the VPC's namespace:
//   source        an interface can only send from its own address
//   acl_leaving   the network access list of the sender's subnet
//   leaving       the sender's egress rules; packets to the uplink also need a route and a public
//                 address to leave with
//   counted_out   with flow logs: what the sender's side has let pass
//   acl_arriving  the list of the receiver's
//   arriving      the receiver's ingress rules
//   counted_in    with flow logs: what the receiver's side has let pass
// leaving and arriving drop what nothing accepts. Answers pass them by connection tracking, and so
// does the rest of a connection that is *tracked* in AWS's sense: one that a rule for particular
// peers admitted outlives the rule. A connection admitted by a rule for everybody, where the
// answers may go to everybody as well, is judged packet by packet and stops with its rule. Bits of
// the connection's mark remember which of the two it is, for each direction.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "host/network/spec.h"

namespace landfall::host::network {

struct Ruleset {
  struct Set {
    std::string type;  // as nft writes it: "type ipv4_addr; flags interval;"
    std::set<std::string> elements;
    bool operator==(const Set&) const = default;
  };
  struct Map {
    std::string type;
    std::map<std::string, std::string> elements;
    bool operator==(const Map&) const = default;
  };
  std::map<std::string, Set> sets;
  std::map<std::string, Map> maps;
  std::map<std::string, std::vector<std::string>> chains;       // jumped to; in any order
  std::map<std::string, std::vector<std::string>> base_chains;  // with their hook as the first line
  bool operator==(const Ruleset&) const = default;
};

Ruleset compile_firewall(const VpcSpec& vpc);

// The chains that differ, by name, when rules of security groups are all that differs, which is
// what most changes are. Absent when more does.
using Chains = std::map<std::string, std::vector<std::string>>;
std::optional<Chains> changed_chains(const VpcSpec& before, const VpcSpec& after);
std::string chains_script(const Chains& chains);

// Replaces whatever table of ours is there. For the first time, and whenever the kernel's state is
// not known.
std::string full_script(const Ruleset& wanted);
// Only what differs; empty when nothing does. Where the difference cannot be told in steps (types
// or base chains of another version), the full script.
std::string change_script(const Ruleset& applied, const Ruleset& wanted);

}  // namespace landfall::host::network
