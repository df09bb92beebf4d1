// Landfall's names for programs outside of the VPCs: a marked block in /etc/hosts, one per
// instance.
//
//   # landfall a1b2c3 begin (written by landfall; changes here are lost)
//   198.18.0.5 db.example.us-west-1.rds.amazonaws.com
//   # landfall a1b2c3 end
//
// Nothing outside of the block is touched. Two instances, or an editor that honours the lock, take
// turns.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "base/ipv4.h"
#include "base/result.h"

namespace landfall::host {

using HostNames = std::map<std::string, Ipv4>;

// Pure: `text` with this instance's block replaced, or taken out when there are no names.
std::string with_block(std::string_view text, std::string_view tag, const HostNames& names);

// Reads, replaces, writes; nothing is written when nothing changes. The new file appears as a whole
// (written beside and renamed), except where `path` is a mount point (in containers), which can
// only be written in place. Blocks. Errors: "locked" when another process holds the lock for more
// than a second, errno-*.
Result<void> update_hosts_file(const std::filesystem::path& path, std::string_view tag,
                               const HostNames& names);

}  // namespace landfall::host
