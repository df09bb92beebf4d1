// A container of a task as the host layer takes it.
#pragma once

#include "host/containers/containers.h"
#include "services/ecs/store.h"

namespace landfall::ecs {

struct ContainerSurroundings {
  Scope scope;
  std::string namespace_path;
  std::string dns_server;
  std::string search_domain;
  std::map<std::string, std::string> volumes = {};  // of this task: folders on the host, by name
  std::string ca_file;                              // on the host; empty: none
  // Environment variables of this container. What the definition itself says wins over files.
  std::map<std::string, std::string> secrets = {};
  std::map<std::string, std::string> environment_files = {};
};

// definition: with the task's overrides. Pure.
host::ContainerSpec container_spec(const TaskRecord& task, const TaskDefinition& definition,
                                   std::size_t index, const ContainerSurroundings& around);

// The definition's parts that the plan needs, in the same order.
struct ContainerPart;
std::vector<ContainerPart> container_parts(const TaskDefinition& definition);

inline constexpr const char* kOwnerLabel = "landfall.owner";          // "ecs"
inline constexpr const char* kTaskLabel = "landfall.task";            // its ARN
inline constexpr const char* kContainerLabel = "landfall.container";  // its name in the task

}  // namespace landfall::ecs
