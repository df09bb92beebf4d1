// What ECS asks of the registry and of CloudWatch Logs. Adapters in front of their ports
// implement it; tests use fakes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "io/loop.h"

namespace landfall::ecs {

struct ResolvedImage {
  std::string digest;  // "sha256:...": what the reference names, a manifest or an index
};

class Images {
 public:
  virtual ~Images() = default;
  // reference: "REGISTRY/REPOSITORY[:TAG][@DIGEST]". role: the execution role, which must be
  // allowed to pull; empty: none. Errors, with a message for people: "registry-unknown" (not ours),
  // "repository-not-found", "image-not-found" (tag or digest), "access-denied".
  virtual task<Result<ResolvedImage>> resolve(Scope scope, std::string reference,
                                              std::string role) = 0;
};

struct LogLine {
  TimePoint time{};
  std::string text;
};

class Logs {
 public:
  virtual ~Logs() = default;
  virtual bool group_exists(const Scope& scope, std::string_view group) = 0;
  // Both: existing is success.
  virtual task<Result<void>> create_group(Scope scope, std::string group) = 0;
  virtual task<Result<void>> create_stream(Scope scope, std::string group, std::string stream) = 0;
  // Durable when it returns. Lines are in the order of their times.
  virtual task<Result<void>> put(Scope scope, std::string group, std::string stream,
                                 std::vector<LogLine> lines) = 0;
};

}  // namespace landfall::ecs
