// One Landfall instance on this machine: a data folder, and the tag that its kernel objects carry.
//
// Network namespaces are "lf-<tag>-...", cgroups "landfall-<tag>/...", containers "<tag>-...".
// `landfall down` removes exactly what carries the tag, and instances with different data folders
// do not see each other.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace landfall::host {

struct Instance {
  std::filesystem::path data_dir;  // absolute, symbolic links resolved
  std::string tag;                 // 6 hexadecimal digits, from the path of the data folder

  // "lf-<tag>-<what>": the name of a network namespace.
  std::string namespace_name(std::string_view what) const;
  // "/run/netns/lf-<tag>-<what>"
  std::string namespace_path(std::string_view what) const;
};

// The folder need not exist yet, but then it must be created at this path.
Result<Instance> instance_for(const std::filesystem::path& data_dir);

}  // namespace landfall::host
