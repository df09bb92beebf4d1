// operations: ListTaskDefinitions, ListTaskDefinitionFamilies
#include "services/ecs/service.h"
#include "store/pagination.h"
#include "wire/ecs/operations.h"

namespace landfall::ecs {

task<Result<ListTaskDefinitionsResponse>> list_task_definitions(Ecs& ecs, const RequestContext& ctx,
                                                                ListTaskDefinitionsRequest in) {
  LF_CO_TRY(limit, page_size(in.max_results));
  LF_CO_TRY(after, read_page("task-definitions", in.next_token));
  const std::string status = in.status.value_or("ACTIVE");
  // familyPrefix is a whole family's name.
  auto rows =
      ecs.tables(ctx.scope).definitions.list(in.family_prefix ? *in.family_prefix + "/" : "");
  std::erase_if(rows, [&](const auto& row) { return row.value.definition.status != status; });
  if (in.sort.value_or("ASC") == "DESC") std::ranges::reverse(rows);
  if (!after.empty()) {
    const auto last = std::ranges::find(rows, after, [](const auto& row) { return row.id; });
    if (last != rows.end()) rows.erase(rows.begin(), last + 1);
  }
  ListTaskDefinitionsResponse out;
  out.task_definition_arns.present = true;
  out.next_token =
      store::cut_page(rows, limit, [](const auto& row) { return row.id; }, "task-definitions");
  for (const auto& row : rows)
    out.task_definition_arns.push_back(*row.value.definition.task_definition_arn);
  co_return out;
}

// A family is active while one of its revisions is.
task<Result<ListTaskDefinitionFamiliesResponse>> list_task_definition_families(
    Ecs& ecs, const RequestContext& ctx, ListTaskDefinitionFamiliesRequest in) {
  LF_CO_TRY(limit, page_size(in.max_results));
  LF_CO_TRY(after, read_page("families", in.next_token));
  const std::string status = in.status.value_or("ACTIVE");
  std::map<std::string, bool> active;
  for (const auto& row : ecs.tables(ctx.scope).definitions.list(in.family_prefix.value_or(""))) {
    bool& known = active[*row.value.definition.family];
    known = known || row.value.definition.status == "ACTIVE";
  }
  std::vector<std::string> families;
  for (const auto& [family, is_active] : active) {
    if (family > after && (status == "ALL" || is_active == (status == "ACTIVE")))
      families.push_back(family);
  }
  ListTaskDefinitionFamiliesResponse out;
  out.families.present = true;
  out.next_token =
      store::cut_page(families, limit, [](const std::string& f) { return f; }, "families");
  for (std::string& family : families) out.families.push_back(std::move(family));
  co_return out;
}

}  // namespace landfall::ecs
