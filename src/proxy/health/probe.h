// One health check under way: a connection of its own, never reused.
#pragma once

#include <string>

#include "proxy/health/matcher.h"
#include "proxy/health/verdict.h"
#include "proxy/state/namespace.h"

namespace landfall::proxy {

class Http2Check;
class TlsSession;

struct ProbeSpec {
  HealthCheck check;
  CodeMatcher matcher;
  ProtocolVersion version = ProtocolVersion::http1;
  std::shared_ptr<const NetworkNamespace> from;
};

class Probe {
 public:
  // Begins; `done()` may be true at once. `visitor` is the calling thread's.
  Probe(const ProbeSpec& spec, const TargetState& target, NamespaceVisitor& visitor);
  ~Probe();
  Probe(const Probe&) = delete;

  int fd() const { return fd_.get(); }
  void on_events(std::uint32_t events);
  bool done() const { return done_; }
  const CheckResult& result() const { return result_; }
  void time_out();

 private:
  void finish(CheckResult result);
  void opened();
  bool send(std::string_view bytes);
  void receive();
  void take(std::string_view bytes);
  void take_http2(std::string_view bytes);
  // By TLS where the check wants it.
  bool send_plain(std::string_view bytes);
  bool speaks_http2() const;

  const ProbeSpec& spec_;
  io::Fd fd_;
  std::unique_ptr<TlsSession> tls_;
  std::string host_;
  std::string request_;
  std::unique_ptr<Http2Check> http2_;
  std::string received_;
  bool connected_ = false;
  bool done_ = false;
  CheckResult result_;
};

}  // namespace landfall::proxy
