// A table of records of one type under one key prefix. Keys below the prefix are the record's id,
// chosen by the owner; parts are joined with '/', so ids that may hold a '/' must be
// percent-encoded by the owner.
#pragma once

#include "base/record.h"
#include "store/store.h"

namespace landfall::store {

template <class T>
struct Row {
  std::string id;  // the key without the prefix
  T value;
  Revision revision = 0;  // mod_revision, for compare-and-swap
};

template <class T>
class Table {
 public:
  // prefix ends with '/', for example "/ecs/123456789012/us-west-1/clusters/".
  Table(Store& store, std::string prefix) : store_(&store), prefix_(std::move(prefix)) {}

  std::string key(std::string_view id) const { return prefix_ + std::string(id); }
  const std::string& prefix() const { return prefix_; }

  std::optional<Row<T>> get(std::string_view id) const {
    auto found = store_->get(key(id));
    if (!found) return {};
    return decode(*found);
  }
  // Rows whose id starts with `below`, in order of their ids. start_after is an id.
  std::vector<Row<T>> list(std::string_view below = {}, std::string_view start_after = {},
                           std::size_t limit = 0) const {
    std::vector<Row<T>> rows;
    for (const KeyValue& kv :
         store_->range(key(below), {start_after.empty() ? "" : key(start_after), limit})) {
      if (auto row = decode(kv)) rows.push_back(std::move(*row));
    }
    return rows;
  }

  Put put(std::string_view id, const T& value, std::int64_t lease = 0) const {
    return Put{key(id), record::to_text(value), lease};
  }
  Delete remove(std::string_view id) const { return Delete{key(id)}; }
  // The row is as it was read; for revision 0, absent.
  Condition unchanged(std::string_view id, Revision revision) const {
    return Condition{key(id), revision};
  }
  Condition absent(std::string_view id) const { return Condition{key(id), 0}; }

  // Reads, lets `change` edit, and writes back; again from the start when another writer came
  // between (at most 16 times, then the error "conflict"). `change` returns Result<bool>: false
  // leaves the row as it is. A missing row is the error "not-found".
  task<Result<Row<T>>> update(std::string id, std::function<Result<bool>(T&)> change) const {
    for (int attempt = 0; attempt < 16; ++attempt) {
      auto row = get(id);
      if (!row) co_return fail("not-found", fmt::format("no record {}", key(id)), 404);
      LF_CO_TRY(changed, change(row->value));
      if (!changed) co_return std::move(*row);
      LF_CO_TRY(done,
                co_await store_->commit({{unchanged(id, row->revision)}, {put(id, row->value)}}));
      if (done.succeeded) {
        row->revision = done.revision;
        co_return std::move(*row);
      }
    }
    co_return fail("conflict", fmt::format("record {} keeps changing", key(id)), 409);
  }

 private:
  std::optional<Row<T>> decode(const KeyValue& kv) const {
    auto value = record::from_text<T>(kv.value);
    if (!value) {
      log_unreadable(kv.key);
      return {};
    }
    return Row<T>{kv.key.substr(prefix_.size()), std::move(*value), kv.mod_revision};
  }
  static void log_unreadable(const std::string& key);

  Store* store_;
  std::string prefix_;
};

void log_unreadable_record(const std::string& key);
template <class T>
void Table<T>::log_unreadable(const std::string& key) {
  log_unreadable_record(key);
}

}  // namespace landfall::store
