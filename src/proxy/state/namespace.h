// A network namespace held open, so that sockets can be made in it.
#pragma once

#include <memory>
#include <string>

#include "io/files.h"

namespace landfall::proxy {

struct NetworkNamespace {
  std::string path;  // empty: the proxy's own
  io::Fd fd;

  // Error: errno-*.
  static Result<std::shared_ptr<const NetworkNamespace>> open(const std::string& path);
};

// Moves the calling thread into namespaces and remembers where it is. Threads that only make
// sockets need not go home in between.
class NamespaceVisitor {
 public:
  // Error: errno-*; the thread then stays where it was.
  Result<void> enter(const std::shared_ptr<const NetworkNamespace>& where);

 private:
  std::shared_ptr<const NetworkNamespace> home_;
  std::shared_ptr<const NetworkNamespace> current_;  // empty: home
};

}  // namespace landfall::proxy
