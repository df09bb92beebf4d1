// What EFS remembers: file systems, their mount targets and access points. The files themselves are
// in folders; see service.h.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/record.h"

namespace landfall::efs {

using Tags = std::map<std::string, std::string>;

struct FileSystemRecord {
  std::string id;  // "fs-" and 17 hexadecimal digits
  std::string creation_token;
  std::string throughput_mode;
  std::string availability_zone;  // of a One Zone file system; empty: regional
  Tags tags;
  TimePoint created_at{};
};
LF_RECORD(FileSystemRecord, id, creation_token, throughput_mode, availability_zone, tags,
          created_at)

// Written before its interface is made and deleted after it is gone: what a crash cut off is
// finished at the next start.
struct MountTargetRecord {
  std::string id;  // "fsmt-..."
  std::string file_system;
  std::string subnet;
  std::string vpc;
  std::string availability_zone;
  std::vector<std::string> security_groups;
  std::string address;  // as asked for, then as given
  std::string interface_id;
  bool deleting = false;
};
LF_RECORD(MountTargetRecord, id, file_system, subnet, vpc, availability_zone, security_groups,
          address, interface_id, deleting)

// Makes an access point's root folder at its first use.
struct Creation {
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  std::string permissions;  // octal digits
};
LF_RECORD(Creation, uid, gid, permissions)

struct AccessPointRecord {
  std::string id;  // "fsap-..."
  std::string file_system;
  std::string client_token;
  std::string path = "/";
  std::optional<Creation> creation;
  Tags tags;
};
LF_RECORD(AccessPointRecord, id, file_system, client_token, path, creation, tags)

}  // namespace landfall::efs
