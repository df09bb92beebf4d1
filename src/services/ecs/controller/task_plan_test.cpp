#include "services/ecs/controller/task_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"

namespace landfall::ecs {
namespace {

using host::ContainerState;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Kind = TaskStep::Kind;

constexpr TimePoint kStart = TimePoint(seconds(1'700'000'000));

// A task on a host without a kernel: steps change what is seen.
struct World {
  TaskRecord task;
  std::vector<ContainerPart> parts;
  SeenTask seen;
  TimePoint now = kStart;

  explicit World(std::vector<ContainerPart> of) : parts(std::move(of)) {
    task.id = "0123";
    for (const ContainerPart& p : parts) {
      TaskContainer c;
      c.name = p.name;
      c.essential = p.essential;
      c.has_health_check = p.health_check;
      task.containers.push_back(c);
    }
  }
  TaskPlan step() {
    TaskPlan plan = plan_task(task, parts, seen, now);
    task = plan.next;
    return plan;
  }
  void carry_out(const TaskStep& s) {
    switch (s.kind) {
      case Kind::connect:
        seen.connected = true;
        break;
      case Kind::prepare:
        seen.containers[s.container].state = ContainerState::created;
        break;
      case Kind::start:
        seen.containers[s.container].state = ContainerState::running;
        seen.containers[s.container].started_at = now;
        break;
      case Kind::register_targets:
        for (TaskTarget& target : task.targets) target.registered = true;
        seen.targets.assign(task.targets.size(), {TargetState::initial, ""});
        break;
      case Kind::deregister_targets:
        for (TaskTarget& target : task.targets) target.registered = false;
        task.deregistered_at = now;
        seen.targets.assign(task.targets.size(), {TargetState::draining, ""});
        break;
      case Kind::stop:
        exit(s.container, 143);
        break;
      case Kind::release:
        seen = {};
        task.released = true;
        break;
    }
  }
  void exit(const std::string& name, int code, bool oom = false) {
    seen.containers[name].state = ContainerState::exited;
    seen.containers[name].exit = host::ExitStatus{.code = code, .oom_killed = oom, .at = now};
  }
  // Until nothing is left to do.
  std::vector<TaskStatus> settle() {
    std::vector<TaskStatus> passed;
    for (int i = 0; i < 30; ++i) {
      const TaskPlan plan = step();
      if (passed.empty() || passed.back() != task.status) passed.push_back(task.status);
      for (const TaskStep& s : plan.steps) carry_out(s);
      if (plan.steps.empty() && !plan.changed) return passed;
    }
    ADD_FAILURE() << "does not come to rest";
    return passed;
  }
};

ContainerPart part(std::string name, bool essential = true) {
  ContainerPart p;
  p.name = std::move(name);
  p.essential = essential;
  return p;
}

TEST(TaskPlan, GoesThroughItsLife) {
  World w({part("app")});
  EXPECT_THAT(w.settle(), ElementsAre(TaskStatus::provisioning, TaskStatus::pending,
                                      TaskStatus::activating, TaskStatus::running));
  EXPECT_EQ(w.task.started_at, w.now);
  EXPECT_EQ(w.task.containers[0].status, ContainerStatus::running);
  want_stop(w.task, "UserInitiated", "Task stopped by user", w.now);
  EXPECT_THAT(w.settle(),
              ElementsAre(TaskStatus::stopping, TaskStatus::deprovisioning, TaskStatus::stopped));
  EXPECT_EQ(w.task.containers[0].exit_code, 143);
  EXPECT_EQ(w.task.stopped_reason, "Task stopped by user");
  EXPECT_TRUE(w.seen.containers.empty());
}

TEST(TaskPlan, EssentialContainerEndsTheTask) {
  World w({part("app"), part("side", false)});
  w.settle();
  w.exit("side", 1);
  w.settle();
  EXPECT_EQ(w.task.status, TaskStatus::running);
  w.exit("app", 3);
  w.settle();
  EXPECT_EQ(w.task.status, TaskStatus::stopped);
  EXPECT_EQ(w.task.stop_code, "EssentialContainerExited");
  EXPECT_EQ(w.task.stopped_reason, "Essential container in task exited");
  EXPECT_EQ(w.task.container("app")->exit_code, 3);
  EXPECT_EQ(w.task.container("side")->exit_code, 1);
}

TEST(TaskPlan, DrainsBeforeItStops) {
  World w({part("app")});
  w.task.targets = {{"group", "app", 80}};
  w.settle();
  EXPECT_EQ(w.task.status, TaskStatus::running);
  EXPECT_TRUE(w.task.targets[0].registered);
  EXPECT_FALSE(w.task.running_and_healthy()) << "the load balancer has not checked it yet";
  w.seen.targets[0] = {TargetState::healthy, ""};
  w.settle();
  EXPECT_TRUE(w.task.running_and_healthy());
  w.seen.targets[0] = {TargetState::initial, ""};
  w.settle();
  EXPECT_TRUE(w.task.running_and_healthy()) << "a balancer that has just started knows nothing";
  want_stop(w.task, "UserInitiated", "Task stopped by user", w.now);
  w.settle();
  EXPECT_EQ(w.task.status, TaskStatus::deactivating);
  EXPECT_EQ(w.seen.containers["app"].state, ContainerState::running);
  w.seen.targets[0] = {TargetState::gone, ""};
  w.settle();
  EXPECT_EQ(w.task.status, TaskStatus::stopped);
}

TEST(TaskPlan, ATaskThatEndedDoesNotWaitForItsDrain) {
  World w({part("app")});
  w.task.targets = {{"group", "app", 80}};
  w.settle();
  w.exit("app", 1);
  w.settle();
  EXPECT_EQ(w.task.status, TaskStatus::stopped);
  EXPECT_FALSE(w.task.targets[0].registered);
}

TEST(TaskPlan, OutOfMemoryIsNamed) {
  World w({part("app")});
  w.settle();
  w.exit("app", 137, true);
  w.settle();
  EXPECT_EQ(w.task.container("app")->reason, kOutOfMemory);
}

TEST(TaskPlan, StartsInOrderOfDependencies) {
  ContainerPart app = part("app");
  app.depends_on = {{"migrate", Dependency::On::success}, {"db", Dependency::On::healthy}};
  ContainerPart db = part("db");
  db.health_check = true;
  World w({app, part("migrate", false), db});
  w.settle();
  EXPECT_EQ(w.task.status, TaskStatus::activating);
  EXPECT_EQ(w.task.container("app")->status, ContainerStatus::pending);
  w.exit("migrate", 0);
  EXPECT_THAT(w.step().steps, IsEmpty());
  w.seen.containers["db"].health = Health::healthy;
  EXPECT_THAT(w.step().steps, ElementsAre(TaskStep{Kind::start, "app"}));
  w.settle();
  EXPECT_EQ(w.task.status, TaskStatus::running);
}

TEST(TaskPlan, FailedDependencyEndsTheTask) {
  ContainerPart app = part("app");
  app.depends_on = {{"migrate", Dependency::On::success}};
  World w({app, part("migrate", false)});
  w.settle();
  w.exit("migrate", 1);
  w.settle();
  EXPECT_EQ(w.task.status, TaskStatus::stopped);
  EXPECT_EQ(w.task.stop_code, "TaskFailedToStart");
  EXPECT_THAT(w.task.stopped_reason, HasSubstr("[migrate] for target [app]"));
  EXPECT_FALSE(w.task.container("app")->exit_code) << "it never ran";
}

TEST(TaskPlan, DependencyTimesOut) {
  ContainerPart app = part("app");
  app.depends_on = {{"db", Dependency::On::healthy}};
  ContainerPart db = part("db");
  db.health_check = true;
  db.start_timeout = seconds(20);
  World w({app, db});
  w.settle();
  EXPECT_EQ(w.step().look_again, seconds(20));
  w.now += seconds(20);
  w.settle();
  EXPECT_THAT(w.task.stopped_reason, HasSubstr("has timed out"));
}

TEST(TaskPlan, StopsDependentsFirst) {
  ContainerPart app = part("app");
  app.depends_on = {{"db", Dependency::On::start}};
  app.stop_timeout = seconds(5);
  World w({app, part("db")});
  w.settle();
  want_stop(w.task, "UserInitiated", "", w.now);
  EXPECT_THAT(w.step().steps, ElementsAre(TaskStep{Kind::stop, "app", seconds(5)}));
  w.exit("app", 0);
  EXPECT_THAT(w.step().steps, ElementsAre(TaskStep{Kind::stop, "db", seconds(30)}));
}

TEST(TaskPlan, StoppedBeforeItBeganNeverStarts) {
  World w({part("app")});
  w.carry_out(w.step().steps[0]);
  w.carry_out(w.step().steps[0]);
  want_stop(w.task, "UserInitiated", "", w.now);
  EXPECT_THAT(w.settle(), ElementsAre(TaskStatus::deprovisioning, TaskStatus::stopped));
  EXPECT_EQ(w.task.execution_stopped_at, TimePoint{});
}

TEST(TaskPlan, MakesHalfMadeContainersAgain) {
  World w({part("app")});
  w.seen.connected = true;
  w.seen.containers["app"].state = ContainerState::creating;
  EXPECT_THAT(w.step().steps, ElementsAre(TaskStep{Kind::prepare, "app"}));
}

TEST(TaskPlan, AContainerThatVanishedHasEnded) {
  World w({part("app")});
  w.settle();
  w.seen.containers.clear();
  w.settle();
  EXPECT_EQ(w.task.status, TaskStatus::stopped);
  EXPECT_THAT(w.task.container("app")->reason, HasSubstr("gone"));
}

TEST(TaskPlan, FirstReasonStays) {
  World w({part("app")});
  w.settle();
  want_stop(w.task, "ServiceSchedulerInitiated", "Scaling activity", w.now);
  w.exit("app", 143);
  w.settle();
  EXPECT_EQ(w.task.stopped_reason, "Scaling activity");
}

// Steps may be lost, repeated, or done without being recorded (a crash at any point): the task
// always comes to rest where it should, and a finished task leaves nothing.
TEST(TaskPlanProperty, ConvergesWhateverIsLost) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    SeededRandom random(seed);
    ContainerPart app = part("app");
    app.depends_on = {{"init", Dependency::On::complete}, {"db", Dependency::On::start}};
    World w({app, part("init", false), part("db")});
    bool ordered = false;
    for (int i = 0; i < 40; ++i) {
      const TaskRecord before = w.task;
      const TaskStatus was = w.task.status;
      const TaskPlan plan = w.step();
      ASSERT_GE(static_cast<int>(w.task.status) + (was < TaskStatus::running ? 3 : 0),
                static_cast<int>(was))
          << "a task never goes back once it has run";
      for (const TaskStep& s : plan.steps) {
        if (random.below(4) == 0) break;  // crash between steps
        w.carry_out(s);
        if (s.kind == Kind::start && s.container == "app")
          ASSERT_TRUE(w.task.container("init")->status == ContainerStatus::stopped);
      }
      if (random.below(5) == 0 && !before.released) {
        const bool released = w.task.released;
        w.task = before;  // the record was not written
        w.task.released = released && w.seen.containers.empty() && before.stop_wanted;
      }
      if (w.seen.containers.contains("init") &&
          w.seen.containers["init"].state == ContainerState::running && random.below(3) == 0)
        w.exit("init", static_cast<int>(random.below(2)));
      if (!ordered && random.below(30) == 0) {
        ordered = true;
        want_stop(w.task, "UserInitiated", "", w.now);
      }
      w.now += Millis(random.below(3000));
    }
    if (!ordered) {
      if (w.seen.containers["init"].state == ContainerState::running) w.exit("init", 0);
      w.settle();
      if (w.seen.containers["init"].state == ContainerState::running) w.exit("init", 0);
      w.settle();
      EXPECT_EQ(w.task.status, TaskStatus::running);
      want_stop(w.task, "UserInitiated", "", w.now);
    }
    w.settle();
    EXPECT_EQ(w.task.status, TaskStatus::stopped);
    EXPECT_TRUE(w.seen.containers.empty());
    EXPECT_FALSE(w.seen.connected);
  }
}

}  // namespace
}  // namespace landfall::ecs
