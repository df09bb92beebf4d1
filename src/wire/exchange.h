// From an HTTP request to an operation's input, and from its output or error to an HTTP response,
// in whatever protocol the client speaks.
#pragma once

#include "http/message.h"
#include "wire/service.h"

namespace landfall::wire {

// What a request asks for, before its input is read.
struct Call {
  Protocol protocol = Protocol::json_1_1;
  std::string operation;  // as the client names it; for the REST protocols, as the method and path
                          // select it
  http::Parameters
      form;  // query and ec2: everything from the query string and the body; REST: the query string
  http::Parameters labels;  // REST: what stood in the path
};

// Errors: a target or action that names no operation, a form that cannot be decoded. The answer to
// an error is written in `Call{}.protocol` of the service: use protocol_of.
Result<Call> identify(const ServiceModel& service, const http::Request& request,
                      std::string_view body);
// The protocol the request seems to be in; for answering when identify failed.
Protocol protocol_of(const ServiceModel& service, const http::Request& request);

// The operation's input, read and validated.
Result<Object> read_input(const ServiceModel& service, const Operation& operation, const Call& call,
                          const http::Request& request, std::string_view body);

http::Response write_output(const ServiceModel& service, const Operation& operation,
                            Protocol protocol, const Object& output, std::string_view request_id);
http::Response write_error(const ServiceModel& service, Protocol protocol, const Error& error,
                           std::string_view request_id);

}  // namespace landfall::wire
