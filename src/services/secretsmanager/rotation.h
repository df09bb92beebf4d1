// Rotation: an ECS task makes a new value, now or by a schedule. AWS calls a Lambda function; here
// the function's place is taken by a task definition (docs/adr/0033-rotation-by-a-task.md).
//
// One task is one rotation. It finds SECRET_ARN and CLIENT_REQUEST_TOKEN in its environment, puts
// the new value as version CLIENT_REQUEST_TOKEN with the stage AWSPENDING, tries it, and ends with
// exit code 0. Then the version becomes AWSCURRENT, if the task has not moved the stage itself.
// Whatever goes wrong before leaves AWSCURRENT where it is.
#pragma once

#include "io/loop.h"
#include "reconcile/why.h"
#include "services/secretsmanager/service.h"

namespace landfall::secretsmanager {

// When to rotate next, counted from `from`. None: only when asked.
std::optional<TimePoint> next_rotation(const RotationRecord& rotation, TimePoint from);
// Errors: InvalidParameterException.
Result<void> check_schedule(const std::string& expression, TimePoint now);

class Rotations {
 public:
  Rotations(io::Loop& loop, Secretsmanager& service, TaskRunner& tasks)
      : loop_(loop), service_(service), tasks_(tasks), scope_(loop) {}
  void start();
  task<void> stop() { return scope_.stop(); }
  // Once; what start() does again and again. True: a rotation is under way.
  task<bool> sweep();

 private:
  task<void> run();
  task<Result<void>> step(Scope scope, std::string id);
  task<Result<void>> launch(Scope scope, store::Row<RotationRecord> row);
  task<Result<void>> finish(Scope scope, store::Row<RotationRecord> row, Result<void> ended);

  io::Loop& loop_;
  Secretsmanager& service_;
  TaskRunner& tasks_;
  io::TaskScope scope_;
};

task<std::optional<reconcile::Explanation>> explain(const Secretsmanager& service, Scope scope,
                                                    std::string reference);

}  // namespace landfall::secretsmanager
