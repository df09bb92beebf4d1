// Asking the server that runs on a data folder, with its root key.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace landfall::cli {

// The body of the answer to GET /_landfall/<call>. Errors: those of data_folder.h, "not-running",
// and what the server says.
Result<std::string> ask_server(const std::filesystem::path& data_dir, const std::string& call,
                               const std::string& query = {});

}  // namespace landfall::cli
