// HTTP messages as the layers above see them. No Beast here: that stays inside http/*.cpp.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/net.h"

namespace landfall::http {

// In order, with the case they came with; look-ups ignore case.
class Headers {
 public:
  void add(std::string name, std::string value) {
    fields_.emplace_back(std::move(name), std::move(value));
  }
  void set(std::string_view name, std::string value);  // replaces all of that name
  void remove(std::string_view name);
  // The first of that name; empty when absent.
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const;
  std::vector<std::string_view> all(std::string_view name) const;
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }
  std::size_t size() const { return fields_.size(); }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

bool equal_ignoring_case(std::string_view a, std::string_view b);

// Name and value pairs of a query string or form body, decoded, in order.
using Parameters = std::vector<std::pair<std::string, std::string>>;
Result<Parameters> parse_form(std::string_view text);

struct Request {
  std::string method;
  std::string path;   // raw, as sent: still percent-encoded, without the query
  std::string query;  // raw, without '?'
  Headers headers;
  io::Endpoint client;
  std::string network_namespace;  // it came in there: as given to Server::listen
  bool tls = false;
};

struct Response {
  int status = 200;
  Headers headers;
  std::string body;
};

}  // namespace landfall::http
