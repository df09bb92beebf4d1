// What every Describe call does: ids, filters, pages.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "services/ec2/kinds.h"
#include "services/ec2/records.h"
#include "store/pagination.h"
#include "wire/ec2/types.h"

namespace landfall::ec2 {

// What the filters of a resource look at, by filter name. A function that makes them names every
// filter it knows, also without values, so that an unknown one is told from one that matches
// nothing.
using Facts = std::map<std::string, std::vector<std::string>, std::less<>>;

inline std::string text_of(bool value) { return value ? "true" : "false"; }

// AWS's patterns: '*' any characters, '?' one, backslash takes the next as it is.
bool matches_pattern(std::string_view text, std::string_view pattern);

// All filters must match, each with any of its values. Error InvalidParameterValue for an unknown
// filter.
Result<void> check_filters(const wire::List<Filter>& filters, const Facts& facts);
bool passes(const wire::List<Filter>& filters, const Facts& facts, const Tags& tags);

template <class T>
struct Page {
  std::vector<T> items;
  std::optional<std::string> next_token;
};

struct Selection {
  const Kind& kind;
  const wire::List<std::string>& ids;
  const wire::List<Filter>& filters;
  std::optional<std::int32_t> max_results = {};
  std::optional<std::string> next_token = {};
};

// Rows in the order of their ids. `facts` is called with a default record, too.
template <class T>
Result<Page<T>> select(std::vector<store::Row<T>> rows, const Selection& wanted,
                       const std::function<Facts(const T&)>& facts) {
  const bool filtered = !wanted.filters.empty();
  if (filtered) LF_OK(check_filters(wanted.filters, facts(T{})));
  for (const std::string& id : wanted.ids) {
    if (std::ranges::find(rows, id, &store::Row<T>::id) == rows.end())
      return no_such(wanted.kind, id);
  }
  auto after = store::read_page_token(wanted.kind.prefix, wanted.next_token);
  if (!after) return fail("InvalidNextToken", "The token is not valid.");
  std::vector<store::Row<T>> kept;
  for (store::Row<T>& row : rows) {
    if (!after->empty() && row.id <= *after) continue;
    if (!wanted.ids.empty() && std::ranges::find(wanted.ids, row.id) == wanted.ids.end()) continue;
    if (filtered && !passes(wanted.filters, facts(row.value), row.value.tags)) continue;
    kept.push_back(std::move(row));
  }
  Page<T> page;
  page.next_token = store::cut_page(
      kept, static_cast<std::size_t>(wanted.max_results.value_or(0)),
      [](const store::Row<T>& row) { return row.id; }, wanted.kind.prefix);
  for (store::Row<T>& row : kept) page.items.push_back(std::move(row.value));
  return page;
}

// A Describe call of something of which there is none: filters are not looked at, ids do not exist.
Result<void> select_none(const Kind& kind, const wire::List<std::string>& ids);

// The gateway has already found that the caller may: that is all DryRun asks.
template <class Request>
Result<void> check_dry_run(const Request& request) {
  if (!request.dry_run.value_or(false)) return {};
  return fail("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412);
}

}  // namespace landfall::ec2
