// The HTTP/2 side of a health check: one request, one answer, over bytes.
// docs: target-group-health-checks, protocol versions HTTP2 and gRPC
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

struct nghttp2_session;

namespace landfall::proxy {

class Http2Check {
 public:
  // GET, or with `grpc` a POST whose message is empty.
  Http2Check(std::string_view path, std::string_view authority, bool secure, bool grpc);
  ~Http2Check();
  Http2Check(const Http2Check&) = delete;

  // Takes what the target sent. False: it does not speak HTTP/2.
  bool take(std::string_view bytes);
  // What is to be sent to it.
  std::string output();
  bool done() const { return done_; }
  int status() const { return status_; }            // 0: there was no answer
  int grpc_status() const { return grpc_status_; }  // -1: it said none

 private:
  friend struct Http2CheckCallbacks;
  nghttp2_session* session_ = nullptr;
  const bool grpc_;
  bool done_ = false;
  int status_ = 0;
  int grpc_status_ = -1;
  std::size_t received_ = 0;
};

}  // namespace landfall::proxy
