// The PostgreSQL versions installed on this machine.
#pragma once

#include <filesystem>
#include <vector>

#include "io/loop.h"

namespace landfall::host {

struct PostgresInstallation {
  std::string version;  // "16.6"
  std::filesystem::path
      root;  // holds bin/, lib/ and share/; a Debian version's is /usr/lib/postgresql/<major>
  int major() const;
  // Exact versions come with their own libraries below `root`; Debian's use the system's.
  bool self_contained() const;
};

// Folders below `engines` that are named after a version ("16.6") and hold bin/postgres, and
// Debian's
// (/usr/lib/postgresql/*), which are asked for their version. Newest first; an exact folder wins
// over Debian's.
task<std::vector<PostgresInstallation>> find_postgres(io::Loop& loop,
                                                      std::filesystem::path engines);

// One of them; the quick way to an exact folder. None: not installed.
task<std::optional<PostgresInstallation>> find_postgres_version(io::Loop& loop,
                                                                std::filesystem::path engines,
                                                                std::string version);

// "16.6" > "16.10"? No: compares the numbers. Anything else sorts below every version.
bool postgres_version_less(std::string_view a, std::string_view b);

}  // namespace landfall::host
