// The process that makes containers is killed at random moments; the next one must converge and
// leak nothing.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/containers/container_fixture.h"

namespace landfall::host {
namespace {

class CrashTest : public ContainerFixture {};

task<void> churn(LocalContainers& on, ContainerSpec spec) {
  for (;;) {
    co_await on.create(spec);
    co_await on.start(spec.id);
    co_await on.stop(spec.id, Millis(0));
    co_await on.remove(spec.id);
  }
}

task<void> converge(LocalContainers& on, ContainerSpec spec) {
  const auto made = co_await on.create(spec);
  EXPECT_TRUE(made) << made.error().message;
  if (!made) co_return;
  const auto begun = co_await on.start(spec.id);
  EXPECT_TRUE(begun) << begun.error().message;
  // What the killed process had started may be found running, ended, or not at all.
  const auto ended = co_await on.stop(spec.id, Millis(0));
  EXPECT_TRUE(ended) << ended.error().message;
  EXPECT_EQ(ended->code, 137);
  EXPECT_TRUE(co_await on.remove(spec.id));
  EXPECT_TRUE(on.list().empty());
}

TEST_F(CrashTest, KilledAtRandomMomentsItConverges) {
  const unsigned seed = std::getenv("LANDFALL_SEED")
                            ? unsigned(std::atoi(std::getenv("LANDFALL_SEED")))
                            : unsigned(std::chrono::steady_clock::now().time_since_epoch().count());
  const int rounds =
      std::getenv("LANDFALL_ROUNDS") ? std::atoi(std::getenv("LANDFALL_ROUNDS")) : 10;
  SCOPED_TRACE(fmt::format("LANDFALL_SEED={}", seed));
  SeededRandom random(seed);
  const auto cgroups = Cgroups::detect();
  ASSERT_TRUE(cgroups);
  for (int round = 0; round < rounds && !HasFailure(); ++round) {
    SCOPED_TRACE(fmt::format("round {}", round));
    const pid_t victim = ::fork();
    ASSERT_GE(victim, 0);
    if (victim == 0) {
      io::Loop loop;
      LocalContainers on(loop, clock_, instance_, nullptr);
      const auto forever = [](LocalContainers& containers, ContainerSpec what) -> task<void> {
        if (!co_await containers.open()) ::_exit(1);
        co_await churn(containers, what);
      };
      loop.run(forever(on, spec("a", {"wait"})));
      ::_exit(0);
    }
    ::usleep(useconds_t(random.below(250'000)));
    ::kill(victim, SIGKILL);
    int status = 0;
    ::waitpid(victim, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << "it ended by itself";
    run([&](LocalContainers& on) { return converge(on, spec("a", {"wait"})); });
    const Leftovers left = observe_containers(instance_, *cgroups);
    EXPECT_TRUE(left.containers.empty()) << *left.containers.begin();
    EXPECT_EQ(left.mounts, 0u);
    for (int i = 0; i < 500 && observe_containers(instance_, *cgroups).processes > 0; ++i) {
      ::usleep(2000);  // a killed monitor may not be reaped at once
    }
    EXPECT_EQ(observe_containers(instance_, *cgroups).processes, 0u);
  }
}

}  // namespace
}  // namespace landfall::host
