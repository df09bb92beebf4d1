// What other services may ask of SNS: to publish on behalf of themselves.
#pragma once

#include <string>

#include "base/ids.h"
#include "base/result.h"
#include "io/task.h"

namespace landfall::sns {

struct ServiceMessage {
  std::string topic_arn;
  std::string subject;  // at most 100 characters
  std::string message;
  std::string service;     // "cloudwatch.amazonaws.com"
  std::string source_arn;  // what it is about: the alarm
};

class Port {
 public:
  virtual ~Port() = default;
  // Durable when it returns: every subscription gets it, also after a crash. Errors: "NotFound" (no
  // such topic), "AuthorizationError" (the topic's policy says no), "disk-full".
  virtual task<Result<std::string>> publish_for_service(Scope scope, ServiceMessage message) = 0;
};

}  // namespace landfall::sns
