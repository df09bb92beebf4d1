// The request chain: route, authenticate, read, authorise, dispatch, audit. gateway.cpp is to be
// read from top to bottom.
#pragma once

#include "base/random.h"
#include "gateway/metrics.h"
#include "gateway/routes.h"
#include "http/server.h"
#include "services/iam/port.h"
#include "wire/sigv4/canonical.h"

namespace landfall::gateway {

// Requests that are no AWS calls: the OCI registry (authenticates by itself).
using PathHandler =
    std::function<task<void>(http::Request, http::BodyReader&, http::ResponseWriter&)>;
// Landfall's own calls below /_landfall/, asked by `landfall status` and `landfall why`: signed
// like any other, for the root user only. The answer is JSON or text.
using OwnHandler =
    std::function<task<Result<http::Response>>(const RequestContext& ctx, http::Parameters query)>;

// What anybody may read, by the start of its path: SNS's signing certificate.
using PublicHandler = std::function<Result<http::Response>(const http::Request& request)>;

// An answer that goes on: the next bytes of it, or nothing at its end. Valid until it is dropped.
using EventSource = std::function<task<std::optional<std::string>>()>;
// Called when the operation has succeeded.
using StreamOpener = std::function<EventSource(const RequestContext& ctx)>;

class Gateway {
 public:
  Gateway(iam::Port& access, const Clock& clock, Random& random)
      : access_(access), clock_(clock), random_(random) {}

  void add(Service service) { routes_.add(service); }
  std::vector<std::string> served() const { return routes_.served(); }
  void set_registry(PathHandler handler) { registry_ = std::move(handler); }
  void add_public(std::string prefix, PublicHandler handler) {
    public_[std::move(prefix)] = std::move(handler);
  }
  // Everything below a path that ends with '/'.
  void add_path(std::string below, PathHandler handler) {
    paths_[std::move(below)] = std::move(handler);
  }
  // An operation that is answered by a stream of events instead of its output.
  void add_stream(const wire::ServiceModel& model, std::string operation, StreamOpener opener) {
    streams_[{&model, std::move(operation)}] = std::move(opener);
  }
  void add_own(std::string path, OwnHandler handler) { own_[std::move(path)] = std::move(handler); }

  // Counters in the text form of Prometheus; `more` gives those of other parts.
  void set_more_metrics(std::function<task<std::string>()> more) {
    more_metrics_ = std::move(more);
  }
  task<std::string> metrics_text();

  // Answers one request; never throws but Cancelled.
  task<void> handle(http::Request request, http::BodyReader& body, http::ResponseWriter& out);

 private:
  struct Exchange;

  static task<void> send_stream(EventSource source, http::ResponseWriter& out);
  task<http::Response> answer(Exchange& x, http::BodyReader& body);
  task<Result<http::Response>> call(Exchange& x, http::BodyReader& body);
  // Neither who sends it nor which service it is for.
  static bool says_nothing(const Exchange& x);
  Result<void> authenticate_before_body(Exchange& x);
  Result<void> authenticate_body(Exchange& x, std::string_view body);
  Result<void> authorise(Exchange& x, const wire::Operation& operation, const wire::Object& input);
  task<http::Response> answer_own(Exchange& x, http::BodyReader& body);
  void audit(const Exchange& x, const http::Response& response) const;

  iam::Port& access_;
  const Clock& clock_;
  Random& random_;
  Routes routes_;
  Metrics metrics_;
  std::function<task<std::string>()> more_metrics_;
  sigv4::KeyCache signing_keys_;
  PathHandler registry_;
  std::map<std::string, PathHandler> paths_;
  std::map<std::pair<const wire::ServiceModel*, std::string>, StreamOpener> streams_;
  std::map<std::string, OwnHandler> own_;
  std::map<std::string, PublicHandler> public_;
};

}  // namespace landfall::gateway
