// Headers that a listener adds to answers, and those of requests that only it may set.
// docs: header-modification
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "proxy/config.h"

namespace landfall::proxy {

// Every answer carries these; what a target sends under their names does not reach the client.
class ResponseEdits {
 public:
  // Null: nothing is to be done.
  static std::unique_ptr<const ResponseEdits> compile(const std::vector<Header>& headers);
  bool replaces(std::string_view name) const;
  std::string_view lines() const { return lines_; }  // "Name: value", each with its line break

 private:
  std::vector<std::string> names_;  // lower case
  std::string lines_;
};

// Names of request headers that clients cannot set.
class ReservedHeaders {
 public:
  // Null: there are none.
  static std::unique_ptr<const ReservedHeaders> compile(const LoadBalancer& balancer,
                                                        const Listener& listener);
  // Also with '_' for '-', which many servers take for the same.
  bool contains(std::string_view name) const;

 private:
  std::vector<std::string> names_;  // lower case, with '-'
};

}  // namespace landfall::proxy
