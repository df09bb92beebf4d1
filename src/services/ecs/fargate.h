// What tasks run on: ECS's controllers and everything they need beside the API's own dependencies.
#pragma once

#include "host/containers/containers.h"
#include "host/instance.h"
#include "services/ecs/neighbours.h"
#include "services/ecs/service.h"
#include "services/efs/port.h"
#include "services/logs/port.h"

namespace landfall::ecs {

struct Fargate {
  Ecs& ecs;
  const host::Instance& instance;
  host::Containers& containers;
  Images& images;
  logs::Port& logs;
  Secrets& secrets;
  Disks& disks;
  Objects& objects;
  efs::Port& file_systems;
  // Certificates that containers trust for Landfall's API, a PEM file of the host; empty: none is
  // mounted.
  std::string ca_file = {};
};

}  // namespace landfall::ecs
