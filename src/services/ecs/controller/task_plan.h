// What has to be done for one task next: a pure function of its record, what the host shows, and
// the time.
//
// Level-triggered: nothing is assumed about what was done before. After a crash the same function
// looks at what is there and goes on: containers that run are adopted, half-made ones made again,
// those nobody wants removed.
#pragma once

#include "host/containers/containers.h"
#include "services/ecs/records.h"

namespace landfall::ecs {

struct Dependency {
  enum class On { start, complete, success, healthy };
  std::string container;
  On on = On::start;
};

// What the plan needs of a container definition.
struct ContainerPart {
  std::string name;
  bool essential = true;
  bool health_check = false;
  std::vector<Dependency> depends_on;
  // How long others wait for this container to reach what they depend on; none: as long as it
  // takes.
  std::optional<Millis> start_timeout;
  Millis stop_timeout = std::chrono::seconds(30);
};

struct SeenContainer {
  host::ContainerState state = host::ContainerState::creating;
  TimePoint started_at{};
  std::optional<host::ExitStatus> exit;
  Health health = Health::unknown;
};

struct SeenTarget {
  TargetState state = TargetState::gone;
  std::string reason;
};

struct SeenTask {
  std::vector<SeenTarget> targets;                  // as TaskRecord::targets
  bool connected = false;                           // the interface is there and packets pass
  std::map<std::string, SeenContainer> containers;  // by container name; absent: not there
};

struct TaskStep {
  enum class Kind {
    connect,  // allocate the interface and wait until packets pass
    prepare,  // resolve and unpack the image, make the container ready
    start,
    register_targets,    // with its load balancers, once its containers run
    deregister_targets,  // no new requests from now on
    stop,  // its stop signal, SIGKILL after `grace`; takes its time, the plan does not wait for it
    release,  // ship the last output; remove containers, folders and interface
  };
  Kind kind;
  std::string container = {};
  Millis grace{};
  bool operator==(const TaskStep&) const = default;
};

struct TaskPlan {
  TaskRecord next;  // the record as it should be before the steps are taken
  bool changed = false;
  std::vector<TaskStep> steps;
  std::optional<Millis> look_again;
};

// A drain that the load balancer never ends is given up after this long: the longest
// deregistration delay, and some.
inline constexpr Millis kLongestDrain = std::chrono::seconds(3600 + 60);

TaskPlan plan_task(const TaskRecord& task, const std::vector<ContainerPart>& parts,
                   const SeenTask& seen, TimePoint now);

// Asks the task to stop, for the first reason only: later ones are consequences.
void want_stop(TaskRecord& task, std::string code, std::string reason, TimePoint now);

// Container reasons as AWS words them.
inline constexpr std::string_view kOutOfMemory =
    "OutOfMemoryError: Container killed due to memory usage";

}  // namespace landfall::ecs
