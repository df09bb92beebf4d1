// Which build this is: the digest the linker gave the binary.
#pragma once

#include <string>

namespace landfall {

// Hexadecimal; equal for equal binaries only.
const std::string& build_version();

}  // namespace landfall
