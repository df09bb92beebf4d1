// What happens to keys by itself: yearly rotation, and the end of those that wait for deletion.
#pragma once

#include "io/loop.h"
#include "services/kms/service.h"

namespace landfall::kms {

class Keeper {
 public:
  Keeper(io::Loop& loop, Kms& kms, Millis every = std::chrono::hours(1))
      : loop_(loop), kms_(kms), every_(every), scope_(loop) {}
  void start();
  task<void> stop() { return scope_.stop(); }
  // Once; what start() does again and again.
  task<void> sweep();

 private:
  task<void> run();
  task<Result<void>> remove(Scope scope, KeyRow row);

  io::Loop& loop_;
  Kms& kms_;
  Millis every_;
  io::TaskScope scope_;
};

}  // namespace landfall::kms
