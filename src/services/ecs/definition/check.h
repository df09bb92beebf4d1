// Task definitions as Fargate takes them. What cannot be honoured is refused by name, never taken
// silently. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html
#pragma once

#include "services/ecs/definition/fargate_sizes.h"
#include "wire/ecs/types.h"

namespace landfall::ecs {

// The definition to keep, with AWS's defaults filled in (family, sizes, containers; no ARN,
// revision or status). machine: the architecture of this host as AWS writes it, "X86_64" or
// "ARM64". Errors: ClientException.
Result<TaskDefinition> check_definition(RegisterTaskDefinitionRequest in, std::string_view machine);

// One container, by itself. Fills in defaults.
Result<void> check_container(ContainerDefinition& container);

// "123456789012.dkr.ecr.us-west-1.amazonaws.com/app:1"
bool is_ecr_image(std::string_view image);

// Size of a task's disk; environment files of a container. Errors: ClientException.
Result<void> check_disk(const std::optional<EphemeralStorage>& storage);
Result<void> check_environment_files(const wire::List<EnvironmentFile>& files);

}  // namespace landfall::ecs
