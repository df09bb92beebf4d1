// CloudWatch Logs and what it depends on.
#pragma once

#include "services/cloudwatch/port.h"
#include "services/logs/live_tails.h"
#include "services/logs/queries.h"
#include "services/logs/store.h"
#include "wire/context.h"

namespace landfall::logs {

// References live as long as the server.
struct Logs {
  io::Loop& loop;
  store::Store& store;
  const Clock& clock;
  Random& random;
  Engine& engine;
  QueryRunner& queries;
  LiveTails& tails;
  cloudwatch::Port* metrics = nullptr;  // where metric filters put what they find

  Groups groups(const Scope& scope) const { return groups_of(store, scope); }
  QueryDefinitions query_definitions(const Scope& scope) const {
    return query_definitions_of(store, scope);
  }
};

using GroupRow = store::Row<GroupRecord>;

// Errors in the service's words. Identifiers are names or ARNs of the caller's own account and
// region.
Result<GroupRow> find_group(const Logs& logs, const Scope& scope, const std::string& name);
Result<GroupRow> find_group(const Logs& logs, const Scope& scope,
                            const std::optional<std::string>& name,
                            const std::optional<std::string>& identifier);
Result<Stream> find_stream(const Logs& logs, const GroupRow& group, const std::string& name);
// The group of a tagging ARN, with or without ":*".
Result<GroupRow> find_tagged(const Logs& logs, const Scope& scope, const std::string& arn);

// Existing is success.
task<Result<GroupRow>> ensure_group(Logs& logs, Scope scope, std::string name);

// What the store and the engine report, as ServiceUnavailableException where it is not an answer
// yet.
Error to_api(Error error);

// Tags by AWS's rules; `more` is added to `tags`.
Result<void> add_tags(std::map<std::string, std::string>& tags,
                      const std::map<std::string, std::string>& more);

}  // namespace landfall::logs
