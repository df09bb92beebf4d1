// What other services may ask of EFS: a folder of a file system, for an interface that may reach
// it.
#pragma once

#include <string>

#include "base/ids.h"
#include "base/result.h"
#include "io/files.h"

namespace landfall::efs {

struct MountRequest {
  Scope scope;
  std::string file_system;     // "fs-..."
  std::string root_directory;  // empty: "/"
  std::string access_point;    // "fsap-..."; empty: none
  std::string interface_id;    // whose packets would go to the mount target
};

class Port {
 public:
  virtual ~Port() = default;
  // The folder, open: a path could be exchanged for a link by whoever writes there. Blocks for as
  // long as a few system calls take. Error "mount-failed", in the words of amazon-efs-utils.
  virtual Result<io::Fd> mount(const MountRequest& request) = 0;
};

}  // namespace landfall::efs
