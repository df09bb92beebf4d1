// May a packet pass? The same question the kernel's rules answer, asked of the records, with a
// reason. Pure.
#pragma once

#include "services/ec2/controller/plan.h"
#include "services/ec2/port.h"

namespace landfall::ec2 {

// One end of a connection: an interface and its VPC, or only an address outside.
struct PathEnd {
  const VpcRecords* vpc = nullptr;
  const NetworkInterfaceRecord* interface = nullptr;
  Ipv4 address;            // without interface
  bool by_public = false;  // the other end calls it by its public address, also inside one VPC
};

Reachability reachability(const PathEnd& from, const PathEnd& to, std::string_view protocol,
                          std::uint16_t port);

}  // namespace landfall::ec2
