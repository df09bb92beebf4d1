// The default system call filter: the profile that containers-common installs, cut to a container's
// capabilities.
#pragma once

#include <boost/json/object.hpp>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"

namespace landfall::host {

inline constexpr const char* kSeccompProfile = "/usr/share/containers/seccomp.json";

// The profile's text as runc's linux.seccomp for this machine. Error "profile-invalid".
Result<boost::json::object> seccomp_filter(std::string_view profile,
                                           const std::set<std::string>& capabilities,
                                           std::string_view architecture);

}  // namespace landfall::host
