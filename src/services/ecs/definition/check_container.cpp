#include "services/ecs/definition/check.h"
#include "wire/ecs/errors.h"

namespace landfall::ecs {
namespace {

constexpr int kLeastMemoryMib = 6;
constexpr int kMostTimeoutS = 120;

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= 255 && std::ranges::all_of(name, [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '_';
  });
}

std::unexpected<Error> refuse(const ContainerDefinition& c, std::string_view field,
                              std::string_view why) {
  return errors::client(
      fmt::format("Container '{}': {} is not supported: {}.", c.name.value_or(""), field, why));
}

std::unexpected<Error> invalid(const ContainerDefinition& c, std::string_view what) {
  return errors::client(
      fmt::format("Invalid setting for container '{}'. {}", c.name.value_or(""), what));
}

Result<void> check_refused(const ContainerDefinition& c) {
  if (c.privileged.value_or(false))
    return refuse(c, "privileged", "Fargate runs no privileged containers");
  if (!c.links.empty()) return errors::client("Links are not supported when networkMode=awsvpc.");
  if (c.hostname)
    return errors::client("Hostname is not supported on container when networkMode=awsvpc.");
  if (!c.dns_servers.empty())
    return errors::client("DNS servers are not supported on container when networkMode=awsvpc.");
  if (!c.dns_search_domains.empty())
    return errors::client(
        "DNS search domains are not supported on container when networkMode=awsvpc.");
  if (!c.extra_hosts.empty())
    return errors::client("Extra hosts are not supported on container when networkMode=awsvpc.");
  if (c.disable_networking.value_or(false))
    return refuse(c, "disableNetworking", "networkMode is awsvpc");
  if (!c.docker_security_options.empty())
    return refuse(c, "dockerSecurityOptions", "Fargate has none");
  if (!c.credential_specs.empty())
    return refuse(c, "credentialSpecs", "there is no Active Directory");
  if (!c.resource_requirements.empty())
    return refuse(c, "resourceRequirements", "Fargate has no GPUs");
  if (c.repository_credentials)
    return refuse(c, "repositoryCredentials",
                  "images come from this registry, which uses the execution role");
  LF_OK(check_environment_files(c.environment_files));
  if (c.firelens_configuration) return refuse(c, "firelensConfiguration", "logs go to awslogs");
  if (c.restart_policy && c.restart_policy->enabled)
    return refuse(c, "restartPolicy", "a stopped container is replaced with its task");
  if (c.interactive.value_or(false))
    return refuse(c, "interactive", "containers have no standard input");
  if (c.pseudo_terminal.value_or(false))
    return refuse(c, "pseudoTerminal", "containers have no terminal");
  return {};
}

Result<void> check_linux(const ContainerDefinition& c) {
  if (!c.linux_parameters) return {};
  const LinuxParameters& linux_parameters = *c.linux_parameters;
  if (!linux_parameters.devices.empty())
    return refuse(c, "linuxParameters.devices", "Fargate has none");
  if (linux_parameters.shared_memory_size)
    return refuse(c, "linuxParameters.sharedMemorySize", "Fargate does not have it");
  if (!linux_parameters.tmpfs.empty())
    return refuse(c, "linuxParameters.tmpfs", "Fargate does not have it");
  if (linux_parameters.max_swap || linux_parameters.swappiness)
    return refuse(c, "linuxParameters.maxSwap", "Fargate tasks have no swap");
  if (!linux_parameters.capabilities) return {};
  for (const std::string& capability : linux_parameters.capabilities->add) {
    if (capability != "SYS_PTRACE")
      return refuse(c, fmt::format("capability {}", capability), "Fargate adds SYS_PTRACE only");
  }
  return {};
}

Result<void> check_ports(ContainerDefinition& c) {
  for (PortMapping& mapping : c.port_mappings) {
    if (!mapping.protocol) mapping.protocol = "tcp";
    if (*mapping.protocol != "tcp" && *mapping.protocol != "udp")
      return invalid(c, fmt::format("Protocol '{}' is neither tcp nor udp.", *mapping.protocol));
    if (mapping.container_port_range) {
      int from = 0;
      int to = 0;
      const std::string& range = *mapping.container_port_range;
      const auto first = std::from_chars(range.data(), range.data() + range.size(), from);
      bool good = first.ec == std::errc() && *first.ptr == '-';
      if (good) {
        const auto second = std::from_chars(first.ptr + 1, range.data() + range.size(), to);
        good = second.ec == std::errc() && second.ptr == range.data() + range.size();
      }
      if (!good || from < 1 || to > 65535 || from >= to)
        return invalid(c, fmt::format("containerPortRange '{}' is not a range of ports.", range));
      if (mapping.container_port || mapping.host_port)
        return invalid(c, "A port mapping has either containerPort or containerPortRange.");
      continue;
    }
    if (!mapping.container_port || *mapping.container_port < 1 || *mapping.container_port > 65535)
      return invalid(c, "containerPort must be between 1 and 65535.");
    if (!mapping.host_port || *mapping.host_port == 0) mapping.host_port = mapping.container_port;
    if (mapping.host_port != mapping.container_port)
      return errors::client(
          "When networkMode=awsvpc, the host ports and container ports in port mappings must "
          "match.");
  }
  return {};
}

Result<void> check_environment(const ContainerDefinition& c) {
  std::set<std::string> names;
  for (const KeyValuePair& pair : c.environment) {
    if (pair.name.value_or("").empty() || pair.name->find('=') != std::string::npos)
      return invalid(c, "The name of an environment variable must not be blank or contain '='.");
    names.insert(*pair.name);
  }
  for (const Secret& secret : c.secrets) {
    if (!names.insert(secret.name).second)
      return errors::client(fmt::format(
          "The secret name must be unique and not shared with any new or existing environment "
          "variables set on the container, such as '{}'.",
          secret.name));
  }
  return {};
}

Result<void> check_log(const ContainerDefinition& c) {
  if (!c.log_configuration) return {};
  const LogConfiguration& log = *c.log_configuration;
  if (log.log_driver != "awslogs")
    return refuse(c, fmt::format("logDriver {}", log.log_driver), "awslogs is the one log driver");
  if (!log.secret_options.empty())
    return refuse(c, "logConfiguration.secretOptions", "awslogs has no secret options");
  static constexpr std::string_view kOptions[] = {
      "awslogs-group",        "awslogs-region", "awslogs-stream-prefix",
      "awslogs-create-group", "mode",           "max-buffer-size"};
  for (const auto& [name, value] : log.options) {
    if (std::ranges::find(kOptions, name) == std::ranges::end(kOptions))
      return refuse(c, fmt::format("log option {}", name),
                    "the container's lines are sent as they are");
  }
  auto option = [&](const char* name) {
    const auto found = log.options.find(name);
    return found == log.options.end() ? std::string() : found->second;
  };
  for (const char* needed : {"awslogs-group", "awslogs-region"}) {
    if (option(needed).empty())
      return errors::client(fmt::format("Log driver awslogs requires options: {}.", needed));
  }
  if (option("awslogs-stream-prefix").empty())
    return errors::client(
        "Log driver awslogs requires options: awslogs-stream-prefix when used with Fargate.");
  const std::string create = option("awslogs-create-group");
  if (!create.empty() && create != "true" && create != "false")
    return invalid(c, "awslogs-create-group is 'true' or 'false'.");
  const std::string mode = option("mode");
  if (!mode.empty() && mode != "blocking" && mode != "non-blocking")
    return invalid(c, "mode is 'blocking' or 'non-blocking'.");
  return {};
}

Result<void> check_health(ContainerDefinition& c) {
  if (!c.health_check) return {};
  HealthCheck& check = *c.health_check;
  const std::string kind = check.command.empty() ? "" : check.command.front();
  if (kind == "NONE") {
    c.health_check.reset();
    return {};
  }
  if (kind != "CMD" && kind != "CMD-SHELL")
    return invalid(c, "Health check commands must begin with CMD or CMD-SHELL.");
  if (check.command.size() < 2) return invalid(c, "The health check has no command.");
  if (!check.interval) check.interval = 30;
  if (!check.timeout) check.timeout = 5;
  if (!check.retries) check.retries = 3;
  auto within = [](int value, int least, int most) { return value >= least && value <= most; };
  if (!within(*check.interval, 5, 300))
    return invalid(c, "healthCheck.interval must be between 5 and 300.");
  if (!within(*check.timeout, 2, 120))
    return invalid(c, "healthCheck.timeout must be between 2 and 120.");
  if (!within(*check.retries, 1, 10))
    return invalid(c, "healthCheck.retries must be between 1 and 10.");
  if (!within(check.start_period.value_or(0), 0, 300))
    return invalid(c, "healthCheck.startPeriod must be between 0 and 300.");
  return {};
}

Result<void> check_limits(ContainerDefinition& c) {
  if (!c.cpu) c.cpu = 0;
  if (*c.cpu < 0) return invalid(c, "'cpu' must not be negative.");
  for (const auto& [field, value] :
       {std::pair("memory", c.memory), {"memoryReservation", c.memory_reservation}}) {
    if (value && *value < kLeastMemoryMib)
      return invalid(c, fmt::format("'{}' must be at least {} MiB.", field, kLeastMemoryMib));
  }
  if (c.memory && c.memory_reservation && *c.memory_reservation > *c.memory)
    return invalid(c, "'memoryReservation' must not be greater than 'memory'.");
  for (const auto& [field, value] :
       {std::pair("startTimeout", c.start_timeout), {"stopTimeout", c.stop_timeout}}) {
    if (value && (*value < 0 || *value > kMostTimeoutS))
      return invalid(c, fmt::format("'{}' must be between 0 and {} seconds on Fargate.", field,
                                    kMostTimeoutS));
  }
  for (const Ulimit& limit : c.ulimits) {
    if (limit.name != "nofile")
      return refuse(c, fmt::format("ulimit {}", limit.name), "Fargate changes nofile only");
    if (limit.soft_limit < 0 || limit.soft_limit > limit.hard_limit)
      return invalid(c, "The soft limit of a ulimit must not be above its hard limit.");
  }
  for (const SystemControl& control : c.system_controls) {
    if (!control.namespace_.value_or("").starts_with("net."))
      return refuse(c, fmt::format("system control {}", control.namespace_.value_or("")),
                    "only those under net. belong to a task");
  }
  return {};
}

}  // namespace

bool is_ecr_image(std::string_view image) {
  const auto host = image.substr(0, image.find('/'));
  return host.find(".dkr.ecr.") != std::string_view::npos;
}

Result<void> check_container(ContainerDefinition& c) {
  if (c.name.value_or("").empty())
    return errors::client("Container.name should not be null or empty.");
  if (!is_name(*c.name))
    return errors::client(fmt::format("Container.name '{}' contains invalid characters.", *c.name));
  if (c.image.value_or("").empty())
    return errors::client("Container.image should not be null or empty.");
  if (c.image->size() > 255 ||
      !std::ranges::all_of(*c.image, [](unsigned char ch) { return ch > ' ' && ch < 127; }))
    return errors::client("Container.image contains invalid characters.");
  if (!c.essential) c.essential = true;
  if (c.version_consistency && *c.version_consistency != "enabled" &&
      *c.version_consistency != "disabled")
    return invalid(c, "versionConsistency is 'enabled' or 'disabled'.");
  c.environment.present = c.port_mappings.present = c.mount_points.present =
      c.volumes_from.present = c.system_controls.present = true;
  LF_OK(check_refused(c));
  LF_OK(check_linux(c));
  LF_OK(check_limits(c));
  LF_OK(check_ports(c));
  LF_OK(check_environment(c));
  LF_OK(check_log(c));
  return check_health(c);
}

}  // namespace landfall::ecs
