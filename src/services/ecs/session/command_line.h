// A command as a person types it, in words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace landfall::ecs {

// Divides at blanks; quotes and backslashes as in a shell, nothing else of a shell's language.
// Error "invalid-command".
Result<std::vector<std::string>> split_command(std::string_view text);

}  // namespace landfall::ecs
