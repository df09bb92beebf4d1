#include "store/snapshot.h"

#include "store/schema.h"

namespace landfall::store {

Result<void> Snapshot::load() {
  LF_TRY(loaded_revision, reader.integer("SELECT value FROM meta WHERE name = 'revision'"));
  revision = loaded_revision;
  LF_TRY(rows, reader.prepare("SELECT " LANDFALL_KEY_VALUE_COLUMNS " FROM pairs ORDER BY key"));
  auto row = rows.step();
  for (; row && *row; row = rows.step()) keys.insert(keys.end(), key_value_at(rows));
  if (!row) return std::unexpected(row.error());
  return {};
}

void Snapshot::deliver(const Requests& requests) {
  for (const auto& request : requests) {
    if (!request->result || request->changes.empty()) continue;
    for (const Event& event : request->changes) {
      auto found = keys.find(std::string_view(event.current.key));
      if (found != keys.end()) found = keys.erase(found);
      if (event.kind == Event::Kind::put) keys.insert(found, event.current);
    }
    revision = request->result->revision;
    for (SqliteWatch* watch : watches) watch->feed(revision, request->changes);
  }
  // Last, because what resumes here may use or end anything.
  for (const auto& request : requests) {
    if (auto delivered = std::exchange(request->delivered, nullptr)) delivered(*request);
  }
}

}  // namespace landfall::store
