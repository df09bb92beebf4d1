// What the networks of VPCs need of DNS. Two make it true: Server in this process, and
// process/Control in a process of its own that goes on without `serve`.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "host/dns/zones.h"
#include "io/loop.h"

namespace landfall::host::dns {

class Resolver {
 public:
  virtual ~Resolver() = default;

  // What names mean, from now on. Resumes when it is so, or when it takes longer than a few
  // seconds.
  virtual task<void> set_names(NameTable names) = 0;
  virtual task<void> set_zones(ZoneTable zones) = 0;

  // Answers on port 53 of the addresses inside the namespace. A view that is open already is only
  // changed, unless its namespace is another one (`reopen`). Errors: "address-in-use",
  // "dns-not-ready", errno-*.
  virtual task<Result<void>> open(View view, std::string namespace_path,
                                  std::vector<Ipv4> addresses, bool reopen) = 0;
  virtual task<void> close(std::string vpc_id) = 0;
  // Closes what an earlier server left open of VPCs that are no more.
  virtual task<void> keep_only(std::set<std::string> vpc_ids) = 0;
  // What another process answers it goes on answering.
  virtual task<void> stop() = 0;
};

}  // namespace landfall::host::dns
