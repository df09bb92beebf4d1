// The settings that an installed PostgreSQL has, as it describes them itself.
#pragma once

#include "host/postgres/installations.h"

namespace landfall::host {

struct PostgresSetting {
  std::string name;
  // When a new value takes effect: "internal" (never), "postmaster" (at a start), otherwise when
  // the server reads its configuration again.
  std::string context;
  std::string type;                  // "BOOLEAN", "INTEGER", "REAL", "STRING", "ENUM"
  std::string value;                 // the built-in default
  std::string least, most;           // of numbers
  std::vector<std::string> choices;  // of enums
  std::string description;
};

// Sorted by name. Takes a third of a second. Errors: "command-failed", "program-missing".
task<Result<std::vector<PostgresSetting>>> describe_settings(io::Loop& loop,
                                                             PostgresInstallation installation);

// Asks the server program whether it takes `value` for `name`. Error "invalid-setting" with what it
// said.
task<Result<void>> check_setting(io::Loop& loop, PostgresInstallation installation,
                                 std::string name, std::string value);

}  // namespace landfall::host
