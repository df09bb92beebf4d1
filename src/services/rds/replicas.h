// Read replicas: servers that begin with a copy of their source's volume and follow it by streaming
// replication. They meet on the machine, over the source's socket, so that no security group stands
// between them, as none does on AWS. A replication slot keeps at the source what a replica still
// needs.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PostgreSQL.Replication.ReadReplicas.html
#pragma once

#include "services/rds/service.h"

namespace landfall::rds {

inline constexpr std::size_t kMostReplicas = 15;

std::string slot_of(const DbInstance& replica);
// None: it is no replica, or its source is gone.
std::optional<DbInstance> source_of(const Rds& rds, const DbInstance& replica);
std::vector<DbInstance> replicas_of(const Rds& rds, const DbInstance& source);

// The replica's volume: the source's as it is now, and the slot for what comes after. Repeatable.
// Errors: "source-gone", those of run_sql and of volumes.
task<Result<void>> seed_replica(Rds& rds, DbInstance replica, std::uint64_t size_bytes);
// What cannot be dropped now, because the source does not answer, drop_stale_slots drops when it
// does.
task<Result<void>> drop_slot(Rds& rds, DbInstance replica);
task<Result<void>> drop_stale_slots(Rds& rds, DbInstance source);

}  // namespace landfall::rds
