#include "io/termination.h"

#include <gtest/gtest.h>

#include <csignal>

namespace landfall::io {
namespace {

TEST(Termination, ASignalBeforeTheLoopRunsIsNotLost) {
  Loop loop;
  catch_termination(loop);
  ::raise(SIGTERM);
  loop.run(loop.wait_for_termination());
  // It stays so.
  loop.run(loop.wait_for_termination());
}

TEST(Termination, TheSecondSignalHasTheDefaultAction) {
  EXPECT_EXIT(
      {
        Loop loop;
        catch_termination(loop);
        ::raise(SIGINT);
        loop.run(loop.wait_for_termination());
        ::raise(SIGINT);
      },
      testing::KilledBySignal(SIGINT), "");
}

task<void> start(Loop& loop, bool& before, bool& after) {
  before = co_await termination_requested(loop);
  // Other work is ready too.
  for (int i = 0; i < 10; ++i) loop.post([] {});
  ::raise(SIGTERM);
  after = co_await termination_requested(loop);
}

TEST(Termination, IsSeenBetweenTwoStepsOfAStart) {
  Loop loop;
  catch_termination(loop);
  bool before = true, after = false;
  loop.run(start(loop, before, after));
  EXPECT_FALSE(before);
  EXPECT_TRUE(after);
}

}  // namespace
}  // namespace landfall::io
