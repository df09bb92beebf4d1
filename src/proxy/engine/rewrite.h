// Heads on their way through: what targets and clients get in place of what was sent.
// docs: x-forwarded-headers, load-balancer-request-tracing, application-load-balancers
#pragma once

#include <string_view>

#include "proxy/config.h"
#include "proxy/engine/header_edits.h"
#include "proxy/http1/head.h"
#include "proxy/rules/address.h"

namespace landfall::proxy {

struct ClientCertificate;

// Appends to a buffer that is known to be large enough.
class Writer {
 public:
  Writer(char* begin, std::size_t size) : begin_(begin), at_(begin), end_(begin + size) {}
  Writer& operator<<(std::string_view text) {
    if (text.size() > static_cast<std::size_t>(end_ - at_)) {
      overflow_ = true;
      return *this;
    }
    __builtin_memcpy(at_, text.data(), text.size());
    at_ += text.size();
    return *this;
  }
  Writer& number(std::uint64_t value);
  Writer& hex(std::uint64_t value, int digits);
  std::string_view text() const { return {begin_, at_}; }
  std::size_t room() const { return static_cast<std::size_t>(end_ - at_); }
  bool overflow() const { return overflow_; }

 private:
  char* begin_;
  char* at_;
  char* end_;
  bool overflow_ = false;
};

struct RequestContext {
  const LoadBalancer& balancer;
  const RequestHeaderNames& names;
  const ReservedHeaders* reserved = nullptr;
  const ClientCertificate* certificate = nullptr;  // that the client showed
  const PeerAddress& peer;
  std::uint16_t listener_port = 80;
  bool secure = false;
  std::string_view tls_version, tls_cipher;  // when the balancer adds them
  std::uint64_t trace_random[2] = {0, 0};
  std::int64_t unix_seconds = 0;
  bool upgrade = false;        // keep Connection: upgrade
  bool target_closes = false;  // ask the target to close
  bool http2 = false;          // came by HTTP/2: `te: trailers` goes on
  std::string_view host, url;  // in place of what was sent, the host without a port; empty: as sent
  std::string_view more_fields;  // complete lines
};

struct RewrittenRequest {
  std::string_view head;
  std::string_view trace_id;  // inside `head`
  bool dropped_invalid = false;
  bool forwarded_invalid = false;
  int status = 0;  // not 0: answer this instead (463, 502)
};

// The head as it goes to the target, written to `out`.
RewrittenRequest rewrite_request(const http1::RequestHead& head, const RequestContext& context,
                                 Writer& out);

struct ResponseContext {
  bool close = false;          // the client's connection ends with this answer
  bool keep_alive_10 = false;  // an HTTP/1.0 client is told that it does not
  bool drop_chunked = false;   // the client takes no chunks
  bool upgrade = false;        // 101
  std::string_view cookies;    // complete Set-Cookie lines
  const ResponseEdits* edits = nullptr;
};

// True when the head can go to the client as it is.
inline bool unchanged(const http1::ResponseHead& head, const ResponseContext& context) {
  return !head.edits && !context.close && !context.keep_alive_10 && !context.drop_chunked &&
         context.cookies.empty() && context.edits == nullptr && head.minor_version == 1;
}
void rewrite_response(const http1::ResponseHead& head, const ResponseContext& context, Writer& out);

// The Host that the target sees (the attribute preserve_host_header is off).
// Writes to `out`, returns what was written.
std::string_view target_host(std::string_view authority, std::uint16_t listener_port, char* out,
                             std::size_t size);

}  // namespace landfall::proxy
