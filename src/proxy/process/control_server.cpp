#include "proxy/process/control_server.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/build_version.h"
#include "base/log.h"
#include "io/pid_file.h"

namespace landfall::proxy {
namespace {

constexpr Millis kClientTimeout = std::chrono::seconds(10);
// A successor compiles the configuration before it confirms.
constexpr Millis kTakeOverTimeout = std::chrono::seconds(60);

void set_timeout(int socket, Millis timeout) {
  const timeval limit{timeout.count() / 1000, timeout.count() % 1000 * 1000};
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

}  // namespace

Result<void> ControlServer::open() {
  const std::filesystem::path path = folder_ / "control";
  const std::filesystem::path fresh = folder_ / fmt::format("control.{}", ::getpid());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string text = fresh.string();
  if (text.size() >= sizeof address.sun_path)
    return fail("path-too-long", fmt::format("{} is too long for a socket", text), 500);
  std::memcpy(address.sun_path, text.data(), text.size());
  listener_ = io::Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!listener_) return fail_errno("control socket", errno);
  ::unlink(text.c_str());
  const mode_t before = ::umask(0177);
  const int bound =
      ::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int error = errno;
  ::umask(before);
  if (bound < 0) return fail_errno("bind " + text, error);
  if (::listen(listener_.get(), 64) < 0) return fail_errno("listen on " + text, errno);
  LF_OK(io::write_pid_file(folder_ / "pid"));
  // Whoever connects reaches either the old process or this one, never nobody.
  if (::rename(text.c_str(), path.c_str()) < 0) return fail_errno("rename " + text, errno);
  return {};
}

Status ControlServer::status() const {
  return {.version = build_version(),
          .boot = engine_.boot(),
          .pid = ::getpid(),
          .revision = engine_.revision(),
          .connections = engine_.connections()};
}

ControlAnswer ControlServer::answer(ControlRequest& request) {
  ControlAnswer out;
  if (request.operation == "status") {
    out.status = status();
  } else if (request.operation == "apply" && request.snapshot) {
    auto applied = engine_.apply(std::move(*request.snapshot));
    if (applied) {
      out.applied = std::move(*applied);
    } else {
      out.problem = Problem{applied.error().code, applied.error().message};
    }
  } else if (request.operation == "target-health") {
    out.health = engine_.target_health();
  } else if (request.operation == "metrics") {
    out.metrics = engine_.metrics();
  } else {
    out.problem = Problem{"unknown-operation",
                          fmt::format("the operation '{}' is not known", request.operation)};
  }
  return out;
}

// True when the successor has confirmed.
bool ControlServer::hand_over(int connection) {
  set_timeout(connection, kTakeOverTimeout);
  std::vector<int> sockets;
  ControlAnswer out;
  out.handover = engine_.hand_over(sockets);
  if (!write_frame(connection, record::to_text(out)) || !write_descriptors(connection, sockets))
    return false;
  const auto confirmed = read_frame(connection);
  if (!confirmed) {
    log::warning("proxy", "a successor took the sockets and did not confirm; going on");
    return false;
  }
  return true;
}

bool ControlServer::serve(int connection, Ended& ended, int& drain_seconds) {
  set_timeout(connection, kClientTimeout);
  while (true) {
    const auto text = read_frame(connection);
    if (!text) return true;
    auto request = record::from_text<ControlRequest>(*text);
    if (!request) {
      ControlAnswer out;
      out.problem = Problem{"request-unreadable", "the request cannot be read"};
      if (!write_frame(connection, record::to_text(out))) return true;
      continue;
    }
    if (request->operation == "take-over") {
      if (!hand_over(connection)) return true;
      ended = Ended::handed_over;
      return false;
    }
    if (request->operation == "stop") {
      ControlAnswer out;
      out.status = status();
      [[maybe_unused]] const auto ignored = write_frame(connection, record::to_text(out));
      drain_seconds = request->seconds;
      ended = Ended::asked_to_stop;
      return false;
    }
    if (!write_frame(connection, record::to_text(answer(*request)))) return true;
  }
}

ControlServer::Ended ControlServer::run(int signals, int& drain_seconds) {
  Ended ended = Ended::signalled;
  while (true) {
    pollfd waits[2] = {{listener_.get(), POLLIN, 0}, {signals, POLLIN, 0}};
    if (::poll(waits, 2, -1) < 0 && errno != EINTR) return Ended::signalled;
    if ((waits[1].revents & POLLIN) != 0) return Ended::signalled;
    if ((waits[0].revents & POLLIN) == 0) continue;
    const io::Fd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    // Without a descriptor for it the same client is reported again at once.
    if (!connection) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    if (connection && !serve(connection.get(), ended, drain_seconds)) return ended;
  }
}

Result<Predecessor> take_over(const std::filesystem::path& socket_path) {
  Predecessor out;
  LF_TRY(connection, connect_control(socket_path, kTakeOverTimeout));
  out.connection = std::move(connection);
  LF_OK(
      write_frame(out.connection.get(), record::to_text(ControlRequest{.operation = "take-over"})));
  LF_TRY(text, read_frame(out.connection.get()));
  LF_TRY(answer, record::from_text<ControlAnswer>(text));
  if (!answer.handover) return fail("answer-unreadable", "no hand-over in the answer", 500);
  out.handover = std::move(*answer.handover);
  LF_TRY(sockets, read_descriptors(out.connection.get(), out.handover.sockets.size()));
  out.sockets = std::move(sockets);
  return out;
}

Result<void> Predecessor::confirm() {
  return write_frame(connection.get(), record::to_text(ControlRequest{.operation = "taken-over"}));
}

}  // namespace landfall::proxy
