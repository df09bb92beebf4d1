// What ECR does by itself: applies lifecycle policies, ends deletions that were cut short, and
// removes blobs that no image needs.
#pragma once

#include <functional>

#include "services/ecr/service.h"

namespace landfall::ecr {

struct SweepAges {
  // A layer that was uploaded and is in no image: a push may be under way.
  Millis unused_layer = std::chrono::hours(24);
  // A blob that nobody refers to: its reference may be about to be written by a process that has
  // just started.
  Millis blob = std::chrono::hours(1);
  Millis upload = std::chrono::hours(24);
};

// Is a blob needed by somebody else, who shares the blob store? Empty: there is nobody.
using KeptElsewhere = std::function<bool(const host::Digest&)>;

// One round, for all accounts and regions.
task<host::BlobStore::Swept> sweep_once(Ecr& ecr, SweepAges ages, KeptElsewhere kept = {});

// Rounds for ever; spawn into a scope. The first begins at once.
task<void> sweep_forever(Ecr& ecr, SweepAges ages, Millis interval, KeptElsewhere kept = {});

}  // namespace landfall::ecr
