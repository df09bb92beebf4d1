// The documents of the task metadata endpoint, version 4. Pure.
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate-response.html
#pragma once

#include "host/containers/containers.h"
#include "host/volumes/scratch_disks.h"
#include "services/ec2/port.h"
#include "services/ecs/store.h"

namespace landfall::ecs {

struct Surroundings {
  Scope scope;
  ec2::Interface interface;             // default: unknown
  std::optional<host::DiskUsage> disk;  // the task's
};

json::object container_metadata(const TaskRecord& task, const TaskDefinition& definition,
                                const TaskContainer& container, const Surroundings& around);
json::object task_metadata(const TaskRecord& task, const TaskDefinition& definition,
                           const Surroundings& around);
json::object tags_object(const std::vector<TagRecord>& tags);
// As Docker's stats call words them, which is what readers of this endpoint expect.
json::object container_stats(const TaskContainer& container, const host::ContainerStats& stats,
                             TimePoint now);

}  // namespace landfall::ecs
