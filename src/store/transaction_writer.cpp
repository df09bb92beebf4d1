#include "base/check.h"
#include "base/log.h"
#include "store/schema.h"
#include "store/writer.h"

namespace landfall::store {

Result<TransactionWriter> TransactionWriter::prepare(Database& database, std::size_t history) {
  TransactionWriter writer(database);
  const auto prepare = [&](Statement& statement, std::string_view sql) -> Result<void> {
    LF_TRY(prepared, database.prepare(sql));
    statement = std::move(prepared);
    return {};
  };
  LF_OK(prepare(writer.get_, "SELECT " LANDFALL_KEY_VALUE_COLUMNS " FROM pairs WHERE key = ?"));
  LF_OK(prepare(writer.range_, "SELECT " LANDFALL_KEY_VALUE_COLUMNS
                               " FROM pairs WHERE key >= ?1 AND (?2 IS NULL OR key < ?2)"));
  LF_OK(prepare(writer.put_,
                "INSERT INTO pairs (" LANDFALL_KEY_VALUE_COLUMNS
                ") VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = "
                "excluded.value, create_revision = excluded.create_revision, mod_revision = "
                "excluded.mod_revision, version = excluded.version, lease = excluded.lease"));
  LF_OK(prepare(writer.remove_, "DELETE FROM pairs WHERE key = ?"));
  LF_OK(prepare(writer.by_lease_,
                "SELECT " LANDFALL_KEY_VALUE_COLUMNS " FROM pairs WHERE lease = ?"));
  LF_OK(prepare(writer.history_,
                "INSERT INTO history (id, removed, " LANDFALL_KEY_VALUE_COLUMNS
                ", before_value, before_create, before_mod, before_version, before_lease) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  LF_OK(prepare(writer.set_revision_, "UPDATE meta SET value = ? WHERE name = 'revision'"));
  LF_OK(prepare(writer.set_compacted_, "UPDATE meta SET value = ? WHERE name = 'compacted'"));
  LF_OK(prepare(writer.lease_get_, "SELECT 1 FROM leases WHERE id = ?"));
  LF_OK(prepare(writer.lease_put_, "INSERT INTO leases (ttl_ms) VALUES (?) RETURNING id"));
  LF_OK(prepare(writer.lease_remove_, "DELETE FROM leases WHERE id = ?"));
  LF_OK(prepare(writer.trim_, "DELETE FROM history WHERE id < ?"));
  LF_OK(prepare(writer.trim_revision_, "SELECT mod_revision FROM history WHERE id = ?"));

  LF_TRY(revision, database.integer("SELECT value FROM meta WHERE name = 'revision'"));
  LF_TRY(first, database.integer("SELECT coalesce(min(id), 1) FROM history"));
  LF_TRY(last, database.integer("SELECT coalesce(max(id), 0) FROM history"));
  writer.revision_ = revision;
  writer.history_first_ = first;
  writer.history_next_ = last + 1;
  writer.history_limit_ = static_cast<std::int64_t>(history);
  return writer;
}

void TransactionWriter::write(const Requests& requests) {
  auto written = write_together(requests);
  if (written) {
    if (std::exchange(failing_, false)) log::info("store", "transactions succeed again");
    return;
  }
  // Whoever asked too much of the disk fails alone: again, one by one.
  if (requests.size() > 1) {
    for (const auto& request : requests) write({request});
    return;
  }
  if (!std::exchange(failing_, true)) {
    log::warning("store", "transactions fail: {}", written.error().message);
  }
  requests.front()->result = std::unexpected(written.error());
}

Result<void> TransactionWriter::write_together(const Requests& requests) {
  const Revision revision = revision_;
  const std::int64_t first = history_first_;
  const std::int64_t next = history_next_;
  const auto attempt = [&]() -> Result<void> {
    LF_OK(database_->execute("BEGIN IMMEDIATE"));
    for (const auto& request : requests) LF_OK(apply(*request));
    if (revision_ != revision) {
      LF_OK(set_revision_.bind(1, revision_).run());
      LF_OK(trim_history());
    }
    return database_->execute("COMMIT");
  };
  auto done = attempt();
  if (done) return {};
  // SQLite rolls back by itself after some errors.
  if (database_->in_transaction()) (void)database_->execute("ROLLBACK");
  revision_ = revision;
  history_first_ = first;
  history_next_ = next;
  for (const auto& request : requests) request->changes.clear();
  return done;
}

Result<void> TransactionWriter::apply(Request& request) {
  request.result = Committed{.succeeded = true, .revision = revision_};
  if (const auto* transaction = std::get_if<Transaction>(&request.work)) {
    return apply_transaction(request, *transaction);
  }
  if (const auto* grant = std::get_if<GrantLease>(&request.work)) {
    auto row = lease_put_.bind(1, grant->ttl_ms).step();
    if (row && *row) request.lease = lease_put_.integer(0);
    lease_put_.reset();
    if (!row) return std::unexpected(row.error());
    return {};
  }
  return revoke(request, std::get<RevokeLease>(request.work).lease);
}

Result<void> TransactionWriter::apply_transaction(Request& request,
                                                  const Transaction& transaction) {
  for (const Condition& condition : transaction.conditions) {
    LF_TRY(found, load(condition.key));
    if ((found ? found->mod_revision : 0) != condition.mod_revision) {
      request.result = Committed{.succeeded = false, .revision = revision_};
      return {};
    }
  }
  for (const Operation& operation : transaction.operations) {
    const auto* put = std::get_if<Put>(&operation);
    if (put == nullptr || put->lease == 0) continue;
    LF_TRY(exists, lease_exists(put->lease));
    if (!exists) {
      request.result = fail("lease-not-found", fmt::format("no lease {}", put->lease), 404);
      return {};
    }
  }
  Changes changes;
  for (const Operation& operation : transaction.operations) LF_OK(evaluate(operation, changes));
  return save(request, changes);
}

// Expiry and revocation: the lease and its keys go together.
Result<void> TransactionWriter::revoke(Request& request, std::int64_t lease) {
  LF_TRY(exists, lease_exists(lease));
  if (!exists) {
    request.result = fail("lease-not-found", fmt::format("no lease {}", lease), 404);
    return {};
  }
  Changes changes;
  by_lease_.bind(1, lease);
  Result<bool> row = by_lease_.step();
  for (; row && *row; row = by_lease_.step()) {
    KeyValue found = key_value_at(by_lease_);
    std::string key = found.key;
    changes.emplace(std::move(key), Change{std::move(found), std::nullopt});
  }
  by_lease_.reset();
  if (!row) return std::unexpected(row.error());
  LF_OK(lease_remove_.bind(1, lease).run());
  return save(request, changes);
}

Result<void> TransactionWriter::evaluate(const Operation& operation, Changes& changes) {
  if (const auto* prefix = std::get_if<DeletePrefix>(&operation)) {
    return remove_prefix(prefix->prefix, changes);
  }
  if (const auto* removal = std::get_if<Delete>(&operation)) {
    LF_TRY(change, find(removal->key, changes));
    change->after.reset();
    return {};
  }
  const auto& put = std::get<Put>(operation);
  LF_TRY(change, find(put.key, changes));
  // Deleted and put again within one transaction is a new key; put twice counts once.
  const bool goes_on = change->after && change->before &&
                       change->after->create_revision == change->before->create_revision;
  const Revision revision = revision_ + 1;
  change->after = KeyValue{.key = put.key,
                           .value = put.value,
                           .create_revision = goes_on ? change->before->create_revision : revision,
                           .mod_revision = revision,
                           .version = goes_on ? change->before->version + 1 : 1,
                           .lease = put.lease};
  return {};
}

Result<void> TransactionWriter::remove_prefix(const std::string& prefix, Changes& changes) {
  const std::string end = end_of_prefix(prefix);
  range_.bind(1, prefix);
  end.empty() ? range_.bind_null(2) : range_.bind(2, end);
  Result<bool> row = range_.step();
  for (; row && *row; row = range_.step()) {
    KeyValue found = key_value_at(range_);
    std::string key = found.key;
    changes.emplace(std::move(key), Change{std::move(found), std::nullopt});
  }
  range_.reset();
  if (!row) return std::unexpected(row.error());
  for (auto it = changes.lower_bound(prefix); it != changes.end(); ++it) {
    if (!it->first.starts_with(prefix)) break;
    it->second.after.reset();
  }
  return {};
}

Result<TransactionWriter::Change*> TransactionWriter::find(std::string_view key, Changes& changes) {
  auto it = changes.find(key);
  if (it == changes.end()) {
    LF_TRY(found, load(key));
    it = changes.emplace(std::string(key), Change{found, found}).first;
  }
  return &it->second;
}

Result<std::optional<KeyValue>> TransactionWriter::load(std::string_view key) {
  auto row = get_.bind(1, key).step();
  std::optional<KeyValue> found;
  if (row && *row) found = key_value_at(get_);
  get_.reset();
  if (!row) return std::unexpected(row.error());
  return found;
}

Result<bool> TransactionWriter::lease_exists(std::int64_t lease) {
  auto row = lease_get_.bind(1, lease).step();
  lease_get_.reset();
  return row;
}

Result<void> TransactionWriter::save(Request& request, Changes& changes) {
  const Revision revision = revision_ + 1;
  for (auto& [key, change] : changes) {
    if (!change.before && !change.after) continue;
    Event event;
    event.previous = std::move(change.before);
    if (change.after) {
      const KeyValue& kv = *change.after;
      LF_OK(put_.bind(1, kv.key)
                .bind(2, kv.value)
                .bind(3, kv.create_revision)
                .bind(4, kv.mod_revision)
                .bind(5, kv.version)
                .bind(6, kv.lease)
                .run());
      event.current = std::move(*change.after);
    } else {
      LF_OK(remove_.bind(1, key).run());
      event.kind = Event::Kind::remove;
      event.current.key = key;
      event.current.mod_revision = revision;
    }
    LF_OK(save_history(event));
    request.changes.push_back(std::move(event));
  }
  if (!request.changes.empty()) revision_ = revision;
  request.result = Committed{.succeeded = true, .revision = revision_};
  return {};
}

Result<void> TransactionWriter::save_history(const Event& event) {
  const KeyValue& kv = event.current;
  history_.bind(1, history_next_)
      .bind(2, std::int64_t{event.kind == Event::Kind::remove})
      .bind(3, kv.key)
      .bind(4, kv.value)
      .bind(5, kv.create_revision)
      .bind(6, kv.mod_revision)
      .bind(7, kv.version)
      .bind(8, kv.lease);
  if (event.previous) {
    history_.bind(9, event.previous->value)
        .bind(10, event.previous->create_revision)
        .bind(11, event.previous->mod_revision)
        .bind(12, event.previous->version)
        .bind(13, event.previous->lease);
  }
  ++history_next_;
  return history_.run();
}

// In steps of a tenth, so that most transactions delete nothing.
Result<void> TransactionWriter::trim_history() {
  const std::int64_t kept = history_next_ - history_first_;
  if (kept <= history_limit_ + history_limit_ / 10) return {};
  const std::int64_t first = history_next_ - history_limit_;
  auto row = trim_revision_.bind(1, first - 1).step();
  const Revision compacted = row && *row ? trim_revision_.integer(0) : 0;
  trim_revision_.reset();
  if (!row) return std::unexpected(row.error());
  LF_OK(trim_.bind(1, first).run());
  LF_OK(set_compacted_.bind(1, compacted).run());
  history_first_ = first;
  return {};
}

}  // namespace landfall::store
