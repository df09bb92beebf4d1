// The files that volumes and snapshots are.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace landfall::host {

// ENOSPC is the one failure a user can do something about: it keeps a code of its own.
Error volume_error(const Error& error);

Result<void> sync_file(const std::filesystem::path& path);
// Made when missing; never smaller.
Result<void> grow_file(const std::filesystem::path& path, std::uint64_t size_bytes);
// Renames a finished file into place so that it is there whole or not at all.
Result<void> publish(const std::filesystem::path& from, const std::filesystem::path& to);
// A file or an empty folder; absent is fine.
void drop(const std::filesystem::path& path);

}  // namespace landfall::host
