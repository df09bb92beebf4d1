// The store's file: its tables, and whether a file may be opened.
#pragma once

#include "store/sqlite.h"
#include "store/store.h"

namespace landfall::store {

inline constexpr std::int64_t kSchemaVersion = 1;

// Checks the file behind `database` or makes it a store. Errors: "store-corrupt" (damaged, or not a
// store at all), "store-version" (written by a newer Landfall).
Result<void> prepare_schema(Database& database, const std::filesystem::path& file);

// Columns of a KeyValue, in the order that key_value_at() reads.
#define LANDFALL_KEY_VALUE_COLUMNS "key, value, create_revision, mod_revision, version, lease"
KeyValue key_value_at(const Statement& row, int first_column = 0);

// The least key greater than all keys with the prefix; empty when there is none.
std::string end_of_prefix(std::string_view prefix);

}  // namespace landfall::store
