// The log groups: small state that the control-plane store keeps. Streams and events are the
// engine's.
#pragma once

#include "base/ids.h"
#include "services/logs/engine/engine.h"
#include "store/table.h"

namespace landfall::logs {

struct MetricFilterRecord {
  std::string name;
  std::string pattern;
  std::string metric;
  std::string space;  // the metric's namespace
  std::string value;  // a number, or "$field"
  std::optional<double> default_value;
  std::string unit;                               // empty: none
  std::map<std::string, std::string> dimensions;  // by name: "$field"
  TimePoint created{};
};
LF_RECORD(MetricFilterRecord, name, pattern, metric, space, value, default_value, unit, dimensions,
          created)

struct GroupRecord {
  std::int64_t id = 0;  // the engine's number; a group deleted and made again is another one
  std::string name;
  TimePoint created_at{};
  int retention_days = 0;  // 0: for ever
  std::map<std::string, std::string> tags;
  std::vector<MetricFilterRecord> metric_filters;  // by name
};
LF_RECORD(GroupRecord, id, name, created_at, retention_days, tags, metric_filters)

// A query that somebody named, to run it again.
struct QueryDefinitionRecord {
  std::string name;
  std::string text;
  std::vector<std::string> groups;
  std::string token;  // of the request that made it
  TimePoint changed_at{};
};
LF_RECORD(QueryDefinitionRecord, name, text, groups, token, changed_at)

inline constexpr std::string_view kKeys = "/logs/";
using Groups = store::Table<GroupRecord>;
Groups groups_of(store::Store& store, const Scope& scope);
using QueryDefinitions = store::Table<QueryDefinitionRecord>;
QueryDefinitions query_definitions_of(store::Store& store, const Scope& scope);

// The keys of one kind ("groups", "queries") of all accounts and regions: whose, and the id.
std::vector<std::pair<Scope, std::string>> scoped_keys(store::Store& store, std::string_view kind);

// arn:aws:logs:REGION:ACCOUNT:log-group:NAME, without the ":*" that stands for its streams.
std::string group_arn(const Scope& scope, std::string_view group);

// Events older than this are gone or about to go; 0 when they are kept for ever.
std::int64_t retention_cutoff_ms(const GroupRecord& group, TimePoint now);

}  // namespace landfall::logs
