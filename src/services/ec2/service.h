// What EC2's handlers and controller depend on.
#pragma once

#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/random.h"
#include "io/exclusive.h"
#include "io/loop.h"
#include "services/ec2/records.h"
#include "store/store.h"

namespace landfall::iam {
class Port;
}
namespace landfall::logs {
class Port;
}

namespace landfall::ec2 {

struct Ec2 {
  Ec2(io::Loop& loop_, store::Store& store_, const Clock& clock_, Random& random_,
      Cidr public_pool_)
      : loop(loop_),
        store(store_),
        clock(clock_),
        random(random_),
        public_pool(public_pool_),
        writing(loop_) {}

  io::Loop& loop;
  store::Store& store;
  const Clock& clock;
  Random& random;
  Cidr public_pool;
  io::Exclusive writing;
  // Deliver flow logs; set where there are such services.
  iam::Port* roles = nullptr;
  logs::Port* logs = nullptr;
  // Resumes when the kernel holds what the store says of a VPC now, or after a while; set by who
  // runs the controller. AWS promises no more than "soon" here, but a rule that is in force when
  // the call returns surprises nobody.
  std::function<task<void>(Scope scope, std::string vpc_id)> in_force = {};

  Tables tables(const Scope& scope) { return Tables(store, scope); }
  // "vpc-0" and 16 more hexadecimal digits, as AWS makes them.
  std::string new_id(std::string_view kind) { return fmt::format("{}-0{}", kind, random.hex(16)); }
};

// Commits what a handler under Exclusive has prepared. Errors: those of the store; "conflict" when
// a record of ours was changed by somebody else, which is a bug.
task<Result<void>> commit(Ec2& ec2, store::Transaction transaction);

}  // namespace landfall::ec2
