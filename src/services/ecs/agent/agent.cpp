#include "services/ecs/agent/agent.h"

#include "base/log.h"
#include "services/ecs/agent/metadata.h"

namespace landfall::ecs {
namespace {

constexpr std::string_view kService = "ecs-tasks.amazonaws.com";
// As on AWS; SDKs ask again some minutes before the end.
constexpr std::chrono::seconds kLifetime = std::chrono::hours(6);
constexpr std::chrono::seconds kRenewBefore = std::chrono::hours(1);
constexpr std::size_t kMostSeen = 4096;

http::Response reply(int status, const json::value& body) {
  http::Response out;
  out.status = status;
  out.headers.set("Content-Type", "application/json");
  out.body = json::serialize(body);
  return out;
}

// As the ECS agent words its errors; SDKs show them to people.
http::Response refuse(int status, std::string_view code, std::string message) {
  return reply(status, json::object{{"code", json::string(code)},
                                    {"message", std::move(message)},
                                    {"HTTPErrorCode", status}});
}

}  // namespace

Agent::Agent(Fargate& fargate)
    : fargate_(fargate),
      server_(fargate.ecs.loop,
              [this](http::Request request, http::BodyReader&, http::ResponseWriter& out) {
                return handle(std::move(request), out);
              },
              {}) {}

ec2::VpcListener Agent::listener() {
  const io::Endpoint at{std::string(ec2::kCredentialsAddress), 80};
  return {.name = "task credentials",
          .start = [this, at](const std::string& vpc_id, const std::string& path) -> Result<void> {
            vpcs_[path] = vpc_id;
            LF_OK(server_.listen(at, path));
            return {};
          },
          .stop =
              [this, at](const std::string&, const std::string& path) {
                server_.unlisten(at, path);
                vpcs_.erase(path);
              }};
}

task<void> Agent::handle(http::Request request, http::ResponseWriter& out) {
  const auto vpc = vpcs_.find(request.network_namespace);
  http::Response response;
  if (vpc == vpcs_.end()) {
    response = refuse(404, "NotFound", "there is no such network");
  } else if (request.method != "GET") {
    response = refuse(405, "MethodNotAllowed", "only GET is allowed here");
  } else {
    response = co_await answer(vpc->second, request.client.address, request.path);
  }
  (void)co_await out.send(std::move(response));
}

std::optional<Agent::Asker> Agent::read(const std::string& key) const {
  const auto parts = parse_key(key);
  if (!parts) return {};
  auto row = fargate_.ecs.tables(parts->scope).tasks.get(parts->id());
  if (!row || !row->value.attachment || row->value.status == TaskStatus::stopped) return {};
  return Asker{parts->scope, std::move(*row)};
}

std::optional<Agent::Asker> Agent::find_asker(const std::string& vpc_id,
                                              const std::string& address) {
  const auto is_there = [&](const std::optional<Asker>& asker) {
    return asker && asker->task().attachment->vpc_id == vpc_id &&
           asker->task().attachment->private_address == address;
  };
  const auto known = seen_.find({vpc_id, address});
  if (known != seen_.end()) {
    if (auto asker = read(known->second); is_there(asker)) return asker;
    seen_.erase(known);
  }
  for (const store::KeyValue& pair : fargate_.ecs.store.range(kPrefix)) {
    const auto parts = parse_key(pair.key);
    // The address is in the record's text: only few records are worth reading.
    if (!parts || parts->table != "tasks" || pair.value.find(address) == std::string::npos)
      continue;
    auto asker = read(pair.key);
    if (!is_there(asker)) continue;
    if (seen_.size() >= kMostSeen) seen_.clear();
    seen_[{vpc_id, address}] = pair.key;
    return asker;
  }
  return {};
}

task<http::Response> Agent::answer(std::string vpc_id, std::string address, std::string path) {
  std::vector<std::string> parts;
  for (std::size_t at = 1; at <= path.size();) {
    const std::size_t slash = std::min(path.find('/', at), path.size());
    if (slash > at) parts.push_back(path.substr(at, slash - at));
    at = slash + 1;
  }
  auto asker = find_asker(vpc_id, address);
  if (!asker) {
    co_return refuse(404, "NotFound", fmt::format("no task runs at {} in {}", address, vpc_id));
  }
  if (parts.size() >= 2 && parts[0] == "v2" && parts[1] == "credentials") {
    if (parts.size() < 3) {
      co_return refuse(400, "NoIdInRequest", "CredentialsV2Request: No ID in the request");
    }
    if (parts.size() > 3 || parts[2] != asker->task().credentials_id ||
        asker->task().task_role.empty()) {
      co_return refuse(400, "InvalidIdInRequest", "CredentialsV2Request: Credentials not found");
    }
    co_return co_await credentials(std::move(*asker));
  }
  if (parts.size() >= 2 && (parts[0] == "v3" || parts[0] == "v4")) {
    const auto container =
        std::ranges::find(asker->task().containers, parts[1], &TaskContainer::host_id);
    if (container == asker->task().containers.end()) {
      co_return refuse(404, "NotFound",
                       fmt::format("{}: container '{}' is not of this task", parts[0], parts[1]));
    }
    std::string what;
    for (std::size_t i = 2; i < parts.size(); ++i) what += "/" + parts[i];
    co_return metadata(*asker, *container, what);
  }
  co_return refuse(404, "NotFound", "there is no such path");
}

task<http::Response> Agent::credentials(Asker asker) {
  const TaskRecord& task = asker.task();
  const TimePoint now = fargate_.ecs.clock.now();
  std::erase_if(issued_,
                [&](const auto& item) { return item.second.credentials.expires_at <= now; });
  Issued& issued = issued_[task.id];
  // The role may have gone, or its trust: what was issued is then of no use any more.
  auto trusted = fargate_.ecs.iam.check_role(task.task_role, std::string(kService));
  if (trusted && now >= issued.renew_at) {
    auto made = fargate_.ecs.iam.assume_for_service(task.task_role, std::string(kService), task.id,
                                                    kLifetime);
    if (made) {
      issued = {std::move(*made), now + kLifetime - kRenewBefore};
    } else {
      trusted = std::unexpected(made.error());
    }
  }
  if (!trusted) {
    issued_.erase(task.id);
    const std::string resource = task.service.empty()
                                     ? task_arn(asker.scope, task.cluster, task.id)
                                     : service_arn(asker.scope, task.cluster, task.service);
    const std::string message = fmt::format("(task {}) gets no credentials of its task role: {}",
                                            task.id, trusted.error().message);
    log::warning("ecs", "{}", message);
    (void)co_await fargate_.ecs.events.record(
        resource, {.reason = "TaskRoleUnavailable", .message = message, .cause = task.task_role});
    co_return refuse(500, "CredentialsUnavailable", trusted.error().message);
  }
  const iam::RoleCredentials& made = issued.credentials;
  co_return reply(200, json::object{{"RoleArn", task.task_role},
                                    {"AccessKeyId", made.access_key_id},
                                    {"SecretAccessKey", made.secret_access_key},
                                    {"Token", made.session_token},
                                    {"Expiration", format_iso8601(made.expires_at)}});
}

http::Response Agent::metadata(const Asker& asker, const TaskContainer& container,
                               std::string_view what) {
  const TaskRecord& task = asker.task();
  const Tables tables = fargate_.ecs.tables(asker.scope);
  TaskDefinition definition;
  if (auto row = find_definition(tables, asker.scope, task.task_definition)) {
    definition = std::move(row->value.definition);
  }
  Surroundings around{asker.scope, {}, {}};
  if (auto disk = fargate_.disks.usage(task.id)) around.disk = *disk;
  const auto interface =
      fargate_.ecs.ec2.find_interface(asker.scope, task.attachment->interface_id);
  if (interface) around.interface = *interface;
  const auto stats_of = [&](const TaskContainer& one) -> json::value {
    const auto stats = fargate_.containers.stats(one.host_id);
    if (!stats) return nullptr;
    return container_stats(one, *stats, fargate_.ecs.clock.now());
  };
  if (what.empty()) return reply(200, container_metadata(task, definition, container, around));
  if (what == "/task") return reply(200, task_metadata(task, definition, around));
  if (what == "/taskWithTags") {
    json::object body = task_metadata(task, definition, around);
    body["TaskTags"] = tags_object(task.tags);
    return reply(200, body);
  }
  if (what == "/stats") return reply(200, stats_of(container));
  if (what == "/task/stats") {
    json::object body;
    for (const TaskContainer& one : task.containers) body[one.host_id] = stats_of(one);
    return reply(200, body);
  }
  return refuse(404, "NotFound", "there is no such path");
}

}  // namespace landfall::ecs
