#include "services/ecs/store.h"

#include "store/pagination.h"
#include "wire/ecs/errors.h"

namespace landfall::ecs {
namespace {

std::string prefix(const Scope& scope, std::string_view table) {
  return fmt::format("{}{}/{}/{}/", kPrefix, scope.account, scope.region, table);
}

}  // namespace

Tables::Tables(store::Store& store, const Scope& scope)
    : clusters(store, prefix(scope, "clusters")),
      definitions(store, prefix(scope, "definitions")),
      families(store, prefix(scope, "families")),
      services(store, prefix(scope, "services")),
      rollouts(store, prefix(scope, "rollouts")),
      tasks(store, prefix(scope, "tasks")),
      tokens(store, prefix(scope, "tokens")) {}

std::vector<store::Row<TaskRecord>> Tables::tasks_of_service(const ServiceRecord& service) const {
  auto rows = tasks.list(service.cluster + "/");
  std::erase_if(rows, [&](const auto& row) { return row.value.service != service.name; });
  return rows;
}

std::vector<RolloutRecord> Tables::rollouts_of_service(const ServiceRecord& service) const {
  std::vector<RolloutRecord> out = service.rollouts;
  for (auto& row : rollouts.list(fmt::format("{}/{}/", service.cluster, service.name)))
    out.push_back(std::move(row.value));
  std::ranges::sort(out, std::greater(),
                    [](const RolloutRecord& r) { return std::pair(r.created_at, r.id); });
  return out;
}

std::optional<KeyParts> parse_key(std::string_view key) {
  if (!key.starts_with(kPrefix)) return {};
  key.remove_prefix(kPrefix.size());
  auto take = [&] {
    const auto end = key.find('/');
    std::string part(key.substr(0, end));
    key.remove_prefix(end == std::string_view::npos ? key.size() : end + 1);
    return part;
  };
  KeyParts parts;
  parts.scope.account = take();
  parts.scope.region = take();
  parts.table = take();
  parts.cluster = take();
  parts.name = std::string(key);
  if (parts.cluster.empty()) return {};
  return parts;
}

std::string definition_id(std::string_view family, int revision) {
  return fmt::format("{}/{:010}", family, revision);
}

std::string arn(const Scope& scope, std::string resource) {
  return Arn{"aws", "ecs", scope.region, scope.account, std::move(resource)}.str();
}

std::string cluster_arn(const Scope& scope, std::string_view cluster) {
  return arn(scope, fmt::format("cluster/{}", cluster));
}

std::string service_arn(const Scope& scope, std::string_view cluster, std::string_view service) {
  return arn(scope, fmt::format("service/{}/{}", cluster, service));
}

std::string task_arn(const Scope& scope, std::string_view cluster, std::string_view id) {
  return arn(scope, fmt::format("task/{}/{}", cluster, id));
}

std::string container_arn(const Scope& scope, const TaskRecord& task,
                          const TaskContainer& container) {
  return arn(scope, fmt::format("container/{}/{}/{}", task.cluster, task.id, container.id));
}

std::string rollout_arn(const Scope& scope, const ServiceRecord& service, std::string_view id) {
  return arn(scope, fmt::format("service-deployment/{}/{}/{}", service.cluster, service.name, id));
}

std::string revision_arn(const Scope& scope, const ServiceRecord& service,
                         std::string_view deployment) {
  deployment.remove_prefix(deployment.find('/') + 1);
  return arn(scope,
             fmt::format("service-revision/{}/{}/{}", service.cluster, service.name, deployment));
}

std::string definition_arn(const Scope& scope, std::string_view family, int revision) {
  return arn(scope, fmt::format("task-definition/{}:{}", family, revision));
}

Result<std::string> cluster_name(const Scope& scope, const std::optional<std::string>& reference) {
  if (!reference || reference->empty()) return "default";
  if (!Arn::looks_like(*reference)) {
    // Names are parts of keys.
    if (reference->find('/') != std::string::npos)
      return errors::cluster_not_found("Cluster not found.");
    return *reference;
  }
  const auto parsed = Arn::parse(*reference);
  if (!parsed || parsed->service != "ecs" || parsed->account != scope.account ||
      parsed->region != scope.region || !parsed->resource.starts_with("cluster/") ||
      parsed->resource.find('/', 8) != std::string::npos)
    return errors::cluster_not_found("Cluster not found.");
  return parsed->resource.substr(8);
}

Result<store::Row<ClusterRecord>> find_cluster(const Tables& tables, const Scope& scope,
                                               const std::optional<std::string>& reference) {
  LF_TRY(name, cluster_name(scope, reference));
  auto row = tables.clusters.get(name);
  if (!row || !row->value.active) return errors::cluster_not_found("Cluster not found.");
  return std::move(*row);
}

std::optional<std::string> local_name(const Scope& scope, std::string_view kind,
                                      std::string_view cluster, std::string_view reference) {
  if (!Arn::looks_like(reference)) {
    if (reference.empty() || reference.find('/') != std::string_view::npos) return {};
    return std::string(reference);
  }
  const auto parsed = Arn::parse(reference);
  if (!parsed || parsed->service != "ecs" || parsed->account != scope.account ||
      parsed->region != scope.region)
    return {};
  std::string_view rest = parsed->resource;
  if (!rest.starts_with(kind) || rest.size() <= kind.size() || rest[kind.size()] != '/') return {};
  rest.remove_prefix(kind.size() + 1);
  // The old short form has no cluster in it.
  if (const auto slash = rest.find('/'); slash != std::string_view::npos) {
    if (rest.substr(0, slash) != cluster) return {};
    rest.remove_prefix(slash + 1);
  }
  if (rest.empty() || rest.find('/') != std::string_view::npos) return {};
  return std::string(rest);
}

std::optional<ServicePart> find_service_part(const Tables& tables, const Scope& scope,
                                             std::string_view kind, std::string_view reference) {
  const auto parsed = Arn::parse(reference);
  if (!parsed || parsed->service != "ecs" || parsed->account != scope.account ||
      parsed->region != scope.region || !parsed->resource.starts_with(fmt::format("{}/", kind)))
    return {};
  const std::string rest = parsed->resource.substr(kind.size() + 1);
  const auto slash = rest.rfind('/');
  if (slash == std::string::npos) return {};
  auto service = tables.services.get(rest.substr(0, slash));
  if (!service) return {};
  return ServicePart{std::move(*service), rest.substr(slash + 1)};
}

std::optional<DefinitionName> parse_definition_name(const Scope& scope,
                                                    std::string_view reference) {
  std::string text(reference);
  if (Arn::looks_like(reference)) {
    const auto parsed = Arn::parse(reference);
    if (!parsed || parsed->service != "ecs" || parsed->account != scope.account ||
        parsed->region != scope.region || !parsed->resource.starts_with("task-definition/"))
      return {};
    text = parsed->resource.substr(16);
  }
  if (text.find('/') != std::string::npos) return {};
  const auto colon = text.find(':');
  DefinitionName name{text.substr(0, colon), {}};
  if (name.family.empty()) return {};
  if (colon == std::string::npos) return name;
  int revision = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, revision);
  if (error != std::errc() || stop != end || revision < 1) return {};
  name.revision = revision;
  return name;
}

std::optional<store::Row<TaskDefinitionRecord>> find_definition(const Tables& tables,
                                                                const Scope& scope,
                                                                std::string_view reference) {
  const auto name = parse_definition_name(scope, reference);
  if (!name) return {};
  if (name->revision) return tables.definitions.get(definition_id(name->family, *name->revision));
  auto rows = tables.definitions.list(name->family + "/");
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
    if (row->value.definition.status == "ACTIVE") return std::move(*row);
  }
  return {};
}

Result<std::string> read_page(std::string_view list, const std::optional<std::string>& token) {
  auto after = store::read_page_token(list, token);
  if (!after) return errors::invalid_parameter("Invalid token.");
  return after;
}

Result<std::size_t> page_size(const std::optional<std::int32_t>& limit) {
  if (limit && (*limit < 1 || *limit > 100))
    return errors::invalid_parameter("maxResults must be between 1 and 100.");
  return limit.value_or(100);
}

}  // namespace landfall::ecs
