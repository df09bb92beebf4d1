// Files of environment variables, as a task definition's environmentFiles names them.
// https://docs.aws.amazon.com/AmazonECS/latest/developerguide/use-environment-file.html
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace landfall::ecs {

// Lines NAME=value. Empty lines and those that begin with '#' are comments; the value is taken as
// it is, with quotes and blanks; a name that comes again is not taken again; lines without '=' are
// passed over.
std::map<std::string, std::string> parse_environment_file(std::string_view text);

}  // namespace landfall::ecs
