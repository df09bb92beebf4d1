// What a program's last words say about why it failed: the messages that drivers, shells and
// runtimes print, recognised. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "reconcile/why.h"

namespace landfall::ecs {

// Findings in the order of the lines, each reason once. The message quotes the line.
std::vector<reconcile::Finding> diagnose_output(std::span<const std::string> lines);

// What a container's exit code means when nobody said more. Empty: nothing beyond the number.
std::string_view exit_code_meaning(int code);

// A server that a container's environment points to.
struct Endpoint {
  std::string variable;  // "DATABASE_URL"
  std::string host;      // lower case
  std::uint16_t port = 0;
  std::string database;  // last part of a URL's path; may be empty
};
// "postgresql://user:secret@host:5432/name", "host:5432", and HOST/PORT pairs ("DB_HOST",
// "DB_PORT"). Default ports of the schemes that have one.
std::vector<Endpoint> endpoints_of(const std::map<std::string, std::string>& environment);

}  // namespace landfall::ecs
