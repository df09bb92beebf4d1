// What the machine must have before the server starts.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace landfall::cli {

// One sentence for each thing that is missing, with what installs it; empty: all is there. `path`:
// as in $PATH.
std::vector<std::string> missing_requirements(const std::string& path,
                                              const std::filesystem::path& proc = "/proc");

// A warning when the data folder's disk is nearly full; empty otherwise.
std::string disk_warning(const std::filesystem::path& data_dir);

}  // namespace landfall::cli
