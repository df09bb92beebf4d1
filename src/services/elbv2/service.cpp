#include "services/elbv2/service.h"

namespace landfall::elbv2 {

task<Result<void>> commit(Elbv2& elbv2, io::Exclusive::Guard guard,
                          store::Transaction transaction) {
  if (transaction.operations.empty()) co_return Result<void>();
  store::Committed done;
  {
    const auto held = std::move(guard);
    LF_CO_TRY(committed, co_await elbv2.store.commit(std::move(transaction)));
    done = committed;
  }
  // Every writer holds the guard, so what was read still stood.
  if (!done.succeeded) co_return fail("InternalFailure", "the records have changed", 500);
  if (elbv2.in_force) co_await elbv2.in_force(done.revision);
  co_return Result<void>();
}

}  // namespace landfall::elbv2
