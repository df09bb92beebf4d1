#include "proxy/state/namespace.h"

#include <fcntl.h>
#include <sched.h>

namespace landfall::proxy {

Result<std::shared_ptr<const NetworkNamespace>> NetworkNamespace::open(const std::string& path) {
  auto out = std::make_shared<NetworkNamespace>();
  out->path = path;
  const char* file = path.empty() ? "/proc/thread-self/ns/net" : path.c_str();
  out->fd = io::Fd(::open(file, O_RDONLY | O_CLOEXEC));
  if (!out->fd) return fail_errno(fmt::format("open {}", file), errno);
  return out;
}

Result<void> NamespaceVisitor::enter(const std::shared_ptr<const NetworkNamespace>& where) {
  if (where == current_ || (!current_ && where->path.empty())) return {};
  if (!home_) {
    LF_TRY(home, NetworkNamespace::open(""));
    home_ = home;
  }
  const int fd = where->path.empty() ? home_->fd.get() : where->fd.get();
  if (::setns(fd, CLONE_NEWNET) < 0) return fail_errno("enter " + where->path, errno);
  current_ = where->path.empty() ? nullptr : where;
  return {};
}

}  // namespace landfall::proxy
