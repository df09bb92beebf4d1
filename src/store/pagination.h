// Pages of lists, as AWS APIs hand them out: at most `limit` items and an opaque token for the
// rest.
//
//   LF_TRY(page, read_page_token("tasks", in.next_token));            // where to go on; empty: at
//   the start auto rows = table.list(below, page, limit + 1);                   // one more tells
//   whether there is a rest auto next = cut_page(rows, limit, [](auto& row) { return row.id; },
//   "tasks");
//
// A token names the last item given, so items created or deleted between two pages neither repeat
// nor hide others. It is not secret, but it carries the list's name and a checksum: a token of
// another list, or an edited one, is refused.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace landfall::store {

std::string make_page_token(std::string_view list, std::string_view last_item);
// The last item of the page before. Error "invalid-token".
Result<std::string> read_page_token(std::string_view list, std::string_view token);
inline Result<std::string> read_page_token(std::string_view list, const std::string& token) {
  return read_page_token(list, std::string_view(token));
}
inline Result<std::string> read_page_token(std::string_view list,
                                           const std::optional<std::string>& token) {
  return token ? read_page_token(list, std::string_view(*token)) : Result<std::string>("");
}

// Cuts `items` to `limit` (0: as it is) and returns the token of the rest, if there is a rest.
template <class T, class IdOf>
std::optional<std::string> cut_page(std::vector<T>& items, std::size_t limit, IdOf id_of,
                                    std::string_view list) {
  if (limit == 0 || items.size() <= limit) return {};
  items.erase(items.begin() + static_cast<std::ptrdiff_t>(limit), items.end());
  return make_page_token(list, id_of(items.back()));
}

}  // namespace landfall::store
