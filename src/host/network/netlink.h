// Messages to the kernel's packet filter over netlink: as much as is needed to read what `nft` and
// `conntrack` cannot tell, or not fast enough.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/files.h"

namespace landfall::host::network {

// A socket inside the namespace. Reads give up after two seconds.
Result<io::Fd> netfilter_socket(const std::string& namespace_path);

// Calls visit(type, payload) for each attribute.
void for_each_attribute(std::string_view bytes,
                        const std::function<void(int type, std::string_view payload)>& visit);
void append_attribute(std::string& out, int type, std::string_view payload);

// `type` with its subsystem in the upper byte.
Result<void> send_netfilter(int socket, int type, int flags, int family,
                            std::string_view attributes);
// Reads answers until the kernel says it is done; `entry` gets the attributes of each. What is gone
// in between (ENOENT) is no error.
Result<void> read_netfilter(int socket, const std::function<void(std::string_view)>& entry);

}  // namespace landfall::host::network
