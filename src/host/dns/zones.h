// Hosted zones: names with records of any type, for which we are the authority. Pure.
#pragma once

#include "host/dns/names.h"

namespace landfall::host::dns {

// One answer to one question; several with the same name and type are chosen from by weight, or,
// with `all`, given together.
struct RecordSet {
  std::uint32_t ttl_s = 300;
  std::vector<std::string> data;  // RDATA, as it goes over the wire
  std::string alias;              // in place of data: the addresses of another name
  bool weighted = false;
  std::uint32_t weight = 0;
  bool all = false;  // multi-value answers
  bool operator==(const RecordSet&) const = default;
};

struct Zone {
  std::string id;
  std::string name;            // lower case, without the final dot
  std::set<std::string> vpcs;  // private: answered inside these only; empty: public
  // By name (lower case, without the final dot; "*.x" is a wildcard) and type.
  std::map<std::string, std::map<std::uint16_t, std::vector<RecordSet>>, std::less<>> records;
  bool operator==(const Zone&) const = default;
};

using ZoneTable = std::vector<Zone>;

// The answer of the most specific zone that this view sees; none: no zone is for the name. An alias
// or a CNAME is followed as far as it stays among our own names.
std::optional<Resolution> resolve_in_zones(const ZoneTable& zones, const NameTable& names,
                                           const View& view, const Query& query);

// What programs outside of the VPCs see of the public zones: the first address of each name that
// is no wildcard.
std::map<std::string, Ipv4> outside_addresses(const ZoneTable& zones, const NameTable& names);

}  // namespace landfall::host::dns
