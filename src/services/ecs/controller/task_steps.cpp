// The steps of a task's life. Each may be repeated: a crash anywhere in it leads to its repetition.
#include "base/log.h"
#include "io/files.h"
#include "services/ecs/controller/container_spec.h"
#include "services/ecs/controller/environment_file.h"
#include "services/ecs/controller/task_controller.h"
#include "services/ecs/launch.h"

namespace landfall::ecs {
namespace {

constexpr Millis kInterfaceTimeout = std::chrono::seconds(30);
constexpr Millis kGiveUpConnecting = std::chrono::minutes(3);
constexpr int kMostPulls = 7;  // from a registry that does not answer: about half a minute
constexpr Millis kLastLines =
    std::chrono::seconds(5);  // for the last output to reach its log group

TaskInterface shown(const ec2::Interface& interface, std::string attachment) {
  TaskInterface out;
  out.id = std::move(attachment);
  out.interface_id = interface.id;
  out.vpc_id = interface.vpc_id;
  out.subnet_id = interface.subnet_id;
  out.availability_zone = interface.availability_zone;
  out.mac = interface.mac;
  out.private_address = interface.private_address.str();
  out.private_dns_name = interface.private_dns_name;
  if (interface.public_address) out.public_address = interface.public_address->str();
  return out;
}

// What the host layer says, as Fargate words it.
std::string container_error(const Error& error, const TaskContainer& container) {
  static const std::set<std::string> kPull = {"image-not-found", "image-invalid", "disk-full"};
  static const std::set<std::string> kStart = {"command-not-found", "command-not-executable",
                                               "exec-format"};
  if (error.code == "architecture-mismatch")
    return fmt::format(
        "CannotPullContainerError: image Manifest does not contain descriptor matching platform "
        "'linux/{}': {}: {}",
        machine_architecture() == "ARM64" ? "arm64" : "amd64", container.image, error.message);
  if (kPull.contains(error.code))
    return fmt::format("CannotPullContainerError: {}: {}", container.image, error.message);
  if (error.code == "exec-format")
    return fmt::format("CannotStartContainerError: exec format error: {}: {}", container.image,
                       error.message);
  if (kStart.contains(error.code))
    return fmt::format(
        "CannotStartContainerError: ResourceInitializationError: failed to create new container "
        "runtime task: {}",
        error.message);
  return fmt::format("CannotCreateContainerError: {}", error.message);
}

}  // namespace

task<Result<void>> TaskController::apply(const Work& work, TaskStep step) {
  switch (step.kind) {
    case TaskStep::Kind::connect:
      co_return co_await connect(work);
    case TaskStep::Kind::prepare:
      co_return co_await prepare(work, step.container);
    case TaskStep::Kind::start:
      co_return co_await start(work, step.container);
    case TaskStep::Kind::register_targets:
      co_return co_await register_targets(work);
    case TaskStep::Kind::deregister_targets:
      co_return co_await deregister_targets(work);
    case TaskStep::Kind::release:
      co_return co_await release(work);
    case TaskStep::Kind::stop:
      break;
  }
  co_return Result<void>();
}

task<Result<void>> TaskController::connect(const Work& work) {
  const TaskRecord& task = work.row.value;
  if (work.parts.empty())
    co_return co_await fail_to_start(work, "", "The task definition has been deleted.");
  if (auto checked = check_roles(fargate_.ecs, task.task_role, task.execution_role); !checked)
    co_return co_await fail_to_start(work, "", checked.error().message);
  ec2::InterfaceRequest request;
  request.scope = work.scope;
  request.owner = interface_owner(task.cluster, task.id);
  request.subnet_id = task.subnet;
  request.security_group_ids = task.network.security_groups;
  request.public_address = task.network.assign_public_ip;
  const std::string attachment = task.attachment ? task.attachment->id : fargate_.ecs.random.uuid();
  request.description = fmt::format("arn:aws:ecs:{}:{}:attachment/{}", work.scope.region,
                                    work.scope.account, attachment);
  auto allocated = co_await fargate_.ecs.ec2.allocate_interface(std::move(request));
  if (!allocated) {
    const bool ours = allocated.error().http_status >= 500;
    if (ours && fargate_.ecs.clock.now() - task.created_at < kGiveUpConnecting)
      co_return std::unexpected(allocated.error());
    co_return co_await fail_to_start(
        work, "",
        fmt::format("Unexpected EC2 error while attempting to Create Network Interface with public "
                    "IP assignment {} "
                    "in subnet '{}': {}: {}",
                    task.network.assign_public_ip ? "enabled" : "disabled", task.subnet,
                    allocated.error().code, allocated.error().message));
  }
  if (!task.attachment) {
    LF_CO_OK(co_await change(work,
                             [&](TaskRecord& t) { t.attachment = shown(*allocated, attachment); }));
  }
  auto ready = co_await fargate_.ecs.ec2.wait_ready(work.scope, allocated->id, kInterfaceTimeout);
  if (!ready) {
    if (fargate_.ecs.clock.now() - task.created_at < kGiveUpConnecting)
      co_return std::unexpected(ready.error());
    co_return co_await fail_to_start(
        work, "",
        "Timeout waiting for network interface provisioning to complete: " + ready.error().message);
  }
  const TimePoint now = fargate_.ecs.clock.now();
  co_return co_await change(work, [&](TaskRecord& t) {
    t.attachment = shown(*ready, attachment);
    t.connectivity_at = now;
  });
}

// Digest of the image to run: the deployment's, when one of its tasks has resolved the tag before.
task<Result<std::string>> TaskController::resolve_image(const Work& work, std::size_t index) {
  const TaskRecord& task = work.row.value;
  const ContainerDefinition& definition = work.definition.container_definitions[index];
  const Tables tables = fargate_.ecs.tables(work.scope);
  const bool pins =
      !task.service.empty() && definition.version_consistency.value_or("enabled") == "enabled";
  if (pins) {
    const auto service = tables.services.get(task.cluster + "/" + task.service);
    for (const DeploymentRecord& d :
         service ? service->value.deployments : std::vector<DeploymentRecord>{}) {
      const auto known = d.image_digests.find(*definition.name);
      if (d.id == task.deployment && known != d.image_digests.end()) co_return known->second;
    }
  }
  LF_CO_TRY(resolved,
            co_await fargate_.images.resolve(work.scope, *definition.image, task.execution_role));
  if (pins) LF_CO_OK(co_await pin_image(work, *definition.name, resolved.digest));
  co_return resolved.digest;
}

task<Result<void>> TaskController::pin_image(const Work& work, std::string container,
                                             std::string digest) {
  const TaskRecord& task = work.row.value;
  const Tables tables = fargate_.ecs.tables(work.scope);
  auto pinned = co_await tables.services.update(
      task.cluster + "/" + task.service, [&](ServiceRecord& service) -> Result<bool> {
        for (DeploymentRecord& d : service.deployments) {
          if (d.id == task.deployment) return d.image_digests.emplace(container, digest).second;
        }
        return false;
      });
  if (!pinned && pinned.error().code != "not-found") co_return std::unexpected(pinned.error());
  co_return Result<void>();
}

// As Fargate does before it starts a container: the stream is made, or the task does not start.
task<Result<void>> TaskController::prepare_log(const Work& work, std::size_t index) {
  const TaskRecord& task = work.row.value;
  const auto target = log_target(work.scope, task, work.definition.container_definitions[index]);
  if (!target) co_return Result<void>();
  auto refused = [](std::string_view code, std::string_view message) {
    return fail(
        "log-failed",
        fmt::format("ResourceInitializationError: failed to validate logger args: create stream "
                    "has been retried 1 times: failed to create Cloudwatch log stream: {}: {}",
                    code, message));
  };
  const std::string group_arn =
      Arn{"aws", "logs", target->scope.region, target->scope.account, "log-group:" + target->group}
          .str();
  auto allowed = [&](const char* action) {
    return fargate_.ecs.iam.authorize_role(
        task.execution_role, task.id,
        {.action = action, .resource = group_arn + ":log-stream:" + target->stream});
  };
  if (!fargate_.logs.group_exists(target->scope, target->group)) {
    if (!target->create_group)
      co_return refused("ResourceNotFoundException",
                        fmt::format("The specified log group does not exist: {}", target->group));
    if (auto may = fargate_.ecs.iam.authorize_role(
            task.execution_role, task.id,
            {.action = "logs:CreateLogGroup", .resource = group_arn + ":*"});
        !may)
      co_return refused("AccessDeniedException", may.error().message);
    if (auto made = co_await fargate_.logs.ensure_group(target->scope, target->group); !made)
      co_return refused(made.error().code, made.error().message);
  }
  for (const char* action : {"logs:CreateLogStream", "logs:PutLogEvents"}) {
    if (auto may = allowed(action); !may)
      co_return refused("AccessDeniedException", may.error().message);
  }
  if (auto made =
          co_await fargate_.logs.ensure_stream(target->scope, target->group, target->stream);
      !made)
    co_return refused(made.error().code, made.error().message);
  co_return Result<void>();
}

// Where the task's volumes are on the host. Errors: messages for the task's stoppedReason.
Result<void> TaskController::prepare_volumes(const Work& work, const std::filesystem::path& disk,
                                             ContainerSurroundings& around,
                                             std::vector<io::Fd>& mounted) const {
  const TaskRecord& task = work.row.value;
  for (const Volume& volume : work.definition.volumes) {
    const std::string name = volume.name.value_or("");
    if (!volume.efs_volume_configuration) {
      const std::filesystem::path folder = disk / "volumes" / name;
      LF_OK(io::make_directories(folder));
      around.volumes[name] = folder;
      continue;
    }
    const EFSVolumeConfiguration& efs = *volume.efs_volume_configuration;
    const auto& authorization = efs.authorization_config;
    auto folder = fargate_.file_systems.mount(
        {.scope = work.scope,
         .file_system = efs.file_system_id,
         .root_directory = efs.root_directory.value_or(""),
         .access_point = authorization ? authorization->access_point_id.value_or("") : "",
         .interface_id = task.attachment ? task.attachment->interface_id : ""});
    if (!folder)
      return fail("volume-failed",
                  fmt::format("ResourceInitializationError: failed to invoke EFS utils commands to "
                              "set up EFS volumes: {}",
                              folder.error().message));
    around.volumes[name] = fmt::format("/proc/self/fd/{}", folder->get());
    mounted.push_back(std::move(*folder));
  }
  return {};
}

// Their variables, the first of a name winning.
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/use-environment-file.html
task<Result<void>> TaskController::read_environment_files(
    const Work& work, const ContainerDefinition& definition,
    std::map<std::string, std::string>& out) const {
  const TaskRecord& task = work.row.value;
  for (const EnvironmentFile& file : definition.environment_files) {
    auto text = co_await fargate_.objects.read(file.value, task.execution_role, task.id);
    if (!text)
      co_return fail("object-unavailable",
                     fmt::format("ResourceInitializationError: failed to download env files: file "
                                 "download command: non empty error stream: {}",
                                 text.error().message));
    out.merge(parse_environment_file(*text));
  }
  co_return Result<void>();
}

task<Result<void>> TaskController::prepare(const Work& work, std::string name) {
  const TaskRecord& task = work.row.value;
  const auto at = std::ranges::find(task.containers, name, &TaskContainer::name);
  const auto index = static_cast<std::size_t>(at - task.containers.begin());
  if (index >= work.parts.size())
    co_return co_await fail_to_start(work, name, "The task definition has been deleted.");
  const ContainerDefinition& definition = work.definition.container_definitions[index];
  std::map<std::string, std::string> secrets;
  for (const Secret& secret : definition.secrets) {
    auto value =
        co_await fargate_.secrets.read(work.scope, secret.value_from, task.execution_role, task.id);
    if (!value)
      co_return co_await fail_to_start(
          work, name,
          fmt::format("ResourceInitializationError: unable to pull secrets or registry auth: "
                      "execution resource retrieval failed: {}",
                      value.error().message));
    secrets[secret.name] = std::move(*value);
  }
  std::map<std::string, std::string> from_files;
  if (auto read = co_await read_environment_files(work, definition, from_files); !read)
    co_return co_await fail_to_start(work, name, read.error().message);
  if (auto log = co_await prepare_log(work, index); !log)
    co_return co_await fail_to_start(work, name, log.error().message);

  auto digest = co_await resolve_image(work, index);
  if (!digest) {
    const Error& error = digest.error();
    const int retried = controller_.queue().failures(key(work));
    const bool away = error.code == "registry-unreachable";
    if (error.http_status >= 500 && !(away && retried >= kMostPulls))
      co_return std::unexpected(error);
    const std::string reason = error.code == "access-denied"
                                   ? fmt::format(
                                         "ResourceInitializationError: unable to pull secrets or "
                                         "registry auth: execution resource "
                                         "retrieval failed: unable to retrieve ecr registry auth: "
                                         "service call has been retried 1 "
                                         "time(s): AccessDeniedException: {}",
                                         error.message)
                                   : fmt::format(
                                         "CannotPullContainerError: pull image manifest has been "
                                         "retried {} time(s): failed to "
                                         "resolve ref {}: {}",
                                         std::max(retried, 1), *definition.image, error.message);
    co_return co_await fail_to_start(work, name, reason);
  }
  ContainerSurroundings around;
  around.scope = work.scope;
  auto disk = co_await fargate_.disks.make(task.id, task.ephemeral_gib);
  if (!disk)
    co_return co_await fail_to_start(
        work, name,
        fmt::format("ResourceInitializationError: failed to make the task's ephemeral storage: {}",
                    disk.error().message));
  around.ca_file = fargate_.ca_file;
  around.secrets = std::move(secrets);
  around.environment_files = std::move(from_files);
  if (const auto interface = fargate_.ecs.ec2.find_interface(
          work.scope, task.attachment ? task.attachment->interface_id : "")) {
    around.namespace_path = interface->namespace_path;
    around.dns_server = interface->dns_server.str();
    around.search_domain = interface->search_domain;
  } else {
    co_return co_await fail_to_start(work, name, "The task's network interface has been deleted.");
  }
  std::vector<io::Fd> mounted;  // open until the container has its own mount of each
  auto ready = prepare_volumes(work, *disk, around, mounted);
  if (!ready) co_return co_await fail_to_start(work, name, ready.error().message);
  TaskRecord with_digest = task;
  with_digest.containers[index].image_digest = *digest;
  auto made = co_await fargate_.containers.create(
      container_spec(with_digest, work.definition, index, around));
  if (!made)
    co_return co_await fail_to_start(work, name,
                                     container_error(made.error(), task.containers[index]));
  co_return co_await change(work, [&](TaskRecord& t) {
    if (TaskContainer* c = t.container(name)) c->image_digest = *digest;
  });
}

task<Result<void>> TaskController::start(const Work& work, std::string name) {
  const TaskContainer* container = work.row.value.container(name);
  auto started = co_await fargate_.containers.start(container->host_id);
  if (!started)
    co_return co_await fail_to_start(work, name, container_error(started.error(), *container));
  co_return Result<void>();
}

task<Result<void>> TaskController::register_targets(const Work& work) {
  const TaskRecord& task = work.row.value;
  for (const TaskTarget& target : task.targets) {
    auto done = co_await fargate_.ecs.balancers.register_target(
        work.scope, target.target_group, task.attachment->private_address, target.port);
    if (done) continue;
    const TimePoint now = fargate_.ecs.clock.now();
    LF_CO_OK(co_await change(work, [&](TaskRecord& t) {
      reconcile::set_condition(
          t.conditions,
          {.type = "InTargetGroups",
           .status = reconcile::Status::no,
           .reason = "RegistrationRefused",
           .message = fmt::format("port {} is not in (target-group {}): {}", target.port,
                                  target.target_group, done.error().message),
           .cause = target.target_group},
          now);
    }));
    co_return std::unexpected(done.error());
  }
  LF_CO_OK(co_await change(work, [](TaskRecord& t) {
    reconcile::remove_condition(t.conditions, "InTargetGroups");
    for (TaskTarget& target : t.targets) {
      target.registered = true;
      target.state = TargetState::initial;
    }
  }));
  for (const TaskTarget& target : task.targets)
    co_await tell_service(
        work, fmt::format("registered 1 targets in (target-group {})", target.target_group));
  co_return Result<void>();
}

// An event of the task's service. One that is lost in a crash is not worth a repetition.
task<void> TaskController::tell_service(const Work& work, std::string said) {
  const TaskRecord& task = work.row.value;
  if (task.service.empty()) co_return;
  auto told = co_await fargate_.ecs.events.record(
      service_arn(work.scope, task.cluster, task.service),
      {.reason = "Targets", .message = fmt::format("(service {}) {}", task.service, said)});
  if (!told) log::warning("ecs", "an event of {} is lost: {}", task.service, told.error().message);
}

task<Result<void>> TaskController::deregister_targets(const Work& work) {
  const TaskRecord& task = work.row.value;
  for (const TaskTarget& target : task.targets) {
    if (!target.registered) continue;
    LF_CO_OK(co_await fargate_.ecs.balancers.deregister_target(
        work.scope, target.target_group, task.attachment->private_address, target.port));
  }
  const TimePoint now = fargate_.ecs.clock.now();
  LF_CO_OK(co_await change(work, [now](TaskRecord& t) {
    t.deregistered_at = now;
    for (TaskTarget& target : t.targets) {
      target.registered = false;
      target.state = TargetState::draining;
    }
  }));
  for (const TaskTarget& target : task.targets)
    co_await tell_service(
        work, fmt::format("deregistered 1 targets in (target-group {})", target.target_group));
  co_await tell_service(work, "has begun draining connections on 1 tasks.");
  co_return Result<void>();
}

task<Result<void>> TaskController::release(const Work& work) {
  const TaskRecord& task = work.row.value;
  for (const TaskContainer& container : task.containers) {
    if (auto shipped = co_await logs_.finish(container.host_id, kLastLines); !shipped)
      log::warning("ecs", "the last lines of container {} are lost: {}", container.host_id,
                   shipped.error().message);
    health_.forget(container.host_id);
    LF_CO_OK(co_await fargate_.containers.remove(container.host_id));
  }
  LF_CO_OK(co_await fargate_.disks.remove(task.id));
  for (const ec2::Interface& interface :
       fargate_.ecs.ec2.interfaces_of(work.scope, interface_owner(task.cluster, task.id)))
    LF_CO_OK(co_await fargate_.ecs.ec2.delete_interface(work.scope, interface.id));
  co_return co_await change(work, [](TaskRecord& t) { t.released = true; });
}

}  // namespace landfall::ecs
