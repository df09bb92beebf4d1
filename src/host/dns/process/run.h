// `landfall dns`: the resolver of every VPC as its own process. It reads <folder>/snapshot, again
// whenever that is replaced, and says in <folder>/state what is in force (snapshot.h). It goes on
// when `serve` ends, and ends when a successor has opened the same ports or the folder is gone.
#pragma once

#include "host/dns/server.h"
#include "io/loop.h"

namespace landfall::host::dns {

struct ProcessOptions {
  std::filesystem::path folder;
  std::string resolv_conf = "/etc/resolv.conf";  // the host's; followed when it changes
  std::uint16_t port = 53;
};

// Returns when the process is asked to end (io/termination.h).
task<Result<void>> run_process(io::Loop& loop, ProcessOptions options);

}  // namespace landfall::host::dns
