// Removing folders of many thousand files.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace landfall::io {

// As remove_tree, with many threads: on a disk that discards what is freed each file takes
// milliseconds, and they wait side by side. Blocks. Follows no links; nobody else may write there.
// Absent is success.
Result<void> remove_large_tree(const std::filesystem::path& path);

}  // namespace landfall::io
