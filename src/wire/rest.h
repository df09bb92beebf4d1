// What rest-json and rest-xml have in common: operations chosen by method and path, members in URI,
// query string and headers. https://smithy.io/2.0/spec/http-bindings.html
#pragma once

#include "http/message.h"
#include "wire/problems.h"

namespace landfall::wire {

struct RestMatch {
  const Operation* operation = nullptr;  // null: no operation has such a URI
  http::Parameters labels;               // decoded
};

// The most specific of the operations whose URI template fits. `query` is decoded.
RestMatch match_rest(const ServiceModel& service, std::string_view method, std::string_view path,
                     const http::Parameters& query);

struct RestRequest {
  const http::Parameters& labels;
  const http::Parameters& query;
  const http::Headers& headers;
  std::string_view body;
};

Result<void> read_rest(Protocol protocol, const Shape& input, const RestRequest& request, void* out,
                       Problems& problems);

// Status, headers and body; `fallback_status` unless the output has a member that says otherwise.
http::Response write_rest(Protocol protocol, const ServiceModel& service, const Shape& output,
                          const void* value, int fallback_status);

}  // namespace landfall::wire
