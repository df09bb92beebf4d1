#include "services/logs/service.h"

#include "wire/logs/errors.h"

namespace landfall::logs {

namespace {

constexpr std::size_t kMostTags = 50;

std::unexpected<Error> no_group() {
  return errors::resource_not_found("The specified log group does not exist.");
}

// The name in "arn:aws:logs:region:account:log-group:NAME[:*]"; empty when it is not one of
// `scope`.
std::string name_in_arn(const Scope& scope, std::string_view text) {
  auto arn = Arn::parse(text);
  constexpr std::string_view kKind = "log-group:";
  if (!arn || arn->service != "logs" || arn->region != scope.region ||
      arn->account != scope.account || !arn->resource.starts_with(kKind)) {
    return {};
  }
  std::string name = arn->resource.substr(kKind.size());
  if (name.ends_with(":*")) name.resize(name.size() - 2);
  return name;
}

}  // namespace

Result<GroupRow> find_group(const Logs& logs, const Scope& scope, const std::string& name) {
  auto found = logs.groups(scope).get(name);
  if (!found) return no_group();
  return std::move(*found);
}

Result<GroupRow> find_group(const Logs& logs, const Scope& scope,
                            const std::optional<std::string>& name,
                            const std::optional<std::string>& identifier) {
  if (name && identifier) {
    return errors::invalid_parameter(
        "LogGroup name and LogGroup identifier are mutually exclusive parameters.");
  }
  if (name) return find_group(logs, scope, *name);
  if (!identifier) {
    return errors::invalid_parameter(
        "Either LogGroup name or LogGroup identifier must be specified.");
  }
  if (!Arn::looks_like(*identifier)) return find_group(logs, scope, *identifier);
  const std::string found = name_in_arn(scope, *identifier);
  return found.empty() ? no_group() : find_group(logs, scope, found);
}

Result<Stream> find_stream(const Logs& logs, const GroupRow& group, const std::string& name) {
  const Stream* stream = logs.engine.find(group.value.id, name);
  if (stream == nullptr) {
    return errors::resource_not_found("The specified log stream does not exist.");
  }
  return *stream;
}

Result<GroupRow> find_tagged(const Logs& logs, const Scope& scope, const std::string& arn) {
  const std::string name = name_in_arn(scope, arn);
  if (name.empty()) {
    return errors::invalid_parameter(fmt::format("{} is not the ARN of a log group here.", arn));
  }
  return find_group(logs, scope, name);
}

task<Result<GroupRow>> ensure_group(Logs& logs, Scope scope, std::string name) {
  const Groups groups = logs.groups(scope);
  for (;;) {
    if (auto found = groups.get(name)) co_return std::move(*found);
    GroupRecord group;
    group.id = static_cast<std::int64_t>(logs.random.next() >> 1);
    group.name = name;
    group.created_at = logs.clock.now();
    LF_CO_OK(co_await logs.store.commit({{groups.absent(name)}, {groups.put(name, group)}}));
  }
}

Error to_api(Error error) {
  if (error.http_status < 500 || error.code.find('-') == std::string::npos) return error;
  return errors::service_unavailable(
             fmt::format("The service cannot complete the request: {}", error.message))
      .error();
}

Result<void> add_tags(std::map<std::string, std::string>& tags,
                      const std::map<std::string, std::string>& more) {
  for (const auto& [key, value] : more) {
    if (key.starts_with("aws:")) {
      return errors::invalid_parameter("Tag keys that begin with aws: are reserved.");
    }
    tags[key] = value;
  }
  if (tags.size() > kMostTags) {
    return errors::too_many_tags(fmt::format("A log group has at most {} tags.", kMostTags));
  }
  return {};
}

}  // namespace landfall::logs
