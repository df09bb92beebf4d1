// operations: PutQueryDefinition, DescribeQueryDefinitions, DeleteQueryDefinition
#include "services/logs/service.h"
#include "store/pagination.h"
#include "wire/logs/errors.h"
#include "wire/logs/operations.h"

namespace landfall::logs {

namespace {

constexpr std::int32_t kMostAPage = 1000;
constexpr std::size_t kMostDefinitions = 1000;

std::unexpected<Error> no_definition() {
  return errors::resource_not_found("The specified query definition does not exist.");
}

}  // namespace

// Kept as they are written: AWS looks at the query when it is run, and so do we.
task<Result<PutQueryDefinitionResponse>> put_query_definition(Logs& logs, const RequestContext& ctx,
                                                              PutQueryDefinitionRequest in) {
  if (in.query_language.value_or("CWLI") != "CWLI") {
    co_return errors::invalid_parameter("Only the query language CWLI is supported.");
  }
  if (!in.parameters.empty()) {
    co_return errors::invalid_parameter("Parameters of query definitions are not supported.");
  }
  const auto table = logs.query_definitions(ctx.scope);
  QueryDefinitionRecord definition;
  definition.name = in.name;
  definition.text = in.query_string;
  definition.groups.assign(in.log_group_names.begin(), in.log_group_names.end());
  definition.changed_at = ctx.now;
  PutQueryDefinitionResponse out;
  if (in.query_definition_id) {
    auto done = co_await table.update(*in.query_definition_id,
                                      [&](QueryDefinitionRecord& record) -> Result<bool> {
                                        definition.token = record.token;
                                        record = definition;
                                        return true;
                                      });
    if (!done && done.error().code == "not-found") co_return no_definition();
    if (!done) co_return std::unexpected(to_api(done.error()));
    out.query_definition_id = *in.query_definition_id;
    co_return out;
  }
  const auto all = table.list();
  if (in.client_token) {
    definition.token = *in.client_token;
    for (const auto& row : all) {
      if (row.value.token != *in.client_token) continue;
      out.query_definition_id = row.id;  // the same request again
      co_return out;
    }
  }
  if (all.size() >= kMostDefinitions) {
    co_return errors::limit_exceeded(
        fmt::format("There are {} query definitions already.", kMostDefinitions));
  }
  const std::string id = logs.random.uuid();
  auto done = co_await logs.store.commit({{table.absent(id)}, {table.put(id, definition)}});
  if (!done) co_return std::unexpected(to_api(done.error()));
  out.query_definition_id = id;
  co_return out;
}

task<Result<DescribeQueryDefinitionsResponse>> describe_query_definitions(
    Logs& logs, const RequestContext& ctx, DescribeQueryDefinitionsRequest in) {
  DescribeQueryDefinitionsResponse out;
  if (in.query_language.value_or("CWLI") != "CWLI") co_return out;
  auto after = store::read_page_token("query-definitions", in.next_token);
  if (!after) co_return errors::invalid_parameter("The specified nextToken is invalid.");
  auto found = logs.query_definitions(ctx.scope).list({}, *after);
  std::erase_if(found, [&](const auto& row) {
    return !row.value.name.starts_with(in.query_definition_name_prefix.value_or(""));
  });
  out.next_token = store::cut_page(
      found, static_cast<std::size_t>(in.max_results.value_or(kMostAPage)),
      [](const auto& row) { return row.id; }, "query-definitions");
  for (auto& row : found) {
    QueryDefinition definition;
    definition.query_language = "CWLI";
    definition.query_definition_id = row.id;
    definition.name = row.value.name;
    definition.query_string = row.value.text;
    definition.last_modified = to_unix_ms(row.value.changed_at);
    definition.log_group_names = wire::List<std::string>(row.value.groups);
    out.query_definitions.push_back(std::move(definition));
  }
  co_return out;
}

task<Result<DeleteQueryDefinitionResponse>> delete_query_definition(
    Logs& logs, const RequestContext& ctx, DeleteQueryDefinitionRequest in) {
  const auto table = logs.query_definitions(ctx.scope);
  auto found = table.get(in.query_definition_id);
  if (!found) co_return no_definition();
  auto done = co_await logs.store.commit({{}, {table.remove(found->id)}});
  if (!done) co_return std::unexpected(to_api(done.error()));
  DeleteQueryDefinitionResponse out;
  out.success = true;
  co_return out;
}

}  // namespace landfall::logs
