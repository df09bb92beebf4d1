// Route 53: hosted zones that Landfall's own DNS answers from.
#pragma once

#include <functional>

#include "base/random.h"
#include "io/exclusive.h"
#include "services/ec2/port.h"
#include "services/route53/records.h"

namespace landfall::route53 {

struct Route53 {
  io::Loop& loop;
  store::Store& store;
  const Clock& clock;
  Random& random;
  ec2::Port& ec2;
  // Up to which revision of the store DNS answers; set by the publisher.
  store::Revision published = 0;
  std::function<task<void>(store::Revision)> in_force = {};
  // Held by every writer from its first read to its commit.
  io::Exclusive writing{loop};

  Tables tables(const std::string& account) const { return {store, account}; }
};

// A zone by id, in any of AWS's forms. Error: NoSuchHostedZone.
Result<store::Row<ZoneRecord>> find_zone(const Tables& tables, const std::string& id);
std::vector<store::Row<RecordSetRecord>> records_of(const Tables& tables, const ZoneRecord& zone);

// Commits, lets the next writer in, waits until DNS answers accordingly, and returns what AWS calls
// a change.
task<Result<ChangeInfo>> commit(Route53& route53, io::Exclusive::Guard guard, std::string account,
                                store::Transaction transaction, std::string comment = {});

HostedZone to_shape(const Tables& tables, const ZoneRecord& zone);
// As it is described: "*" is written "\052".
ResourceRecordSet to_shape(const RecordSetRecord& record);
wire::List<std::string> name_servers();

// Does a public zone of the account hold this CNAME? None: no zone there is for the name.
// Both without the final dot.
std::optional<bool> cname_exists(const Route53& route53, const std::string& account,
                                 const std::string& name, const std::string& target);

}  // namespace landfall::route53
