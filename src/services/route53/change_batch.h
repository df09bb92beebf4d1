// ChangeResourceRecordSets: what a batch of changes does to a zone. Pure.
// https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html
#pragma once

#include <map>

#include "services/route53/records.h"

namespace landfall::route53 {

using RecordSets = std::map<std::string, RecordSetRecord>;  // by record_key()

// The zone's record sets after all changes, or the errors of all changes that cannot be made:
// InvalidChangeBatch.
Result<RecordSets> apply_changes(const ZoneRecord& zone, RecordSets records,
                                 const wire::List<Change>& changes);

}  // namespace landfall::route53
