// The OCI distribution API, what docker, podman and skopeo speak: /v2/...
// https://github.com/opencontainers/distribution-spec/blob/main/spec.md
#pragma once

#include "http/server.h"
#include "services/ecr/service.h"

namespace landfall::ecr {

// Answers one request whose path begins with /v2. `ecr` and the two references outlive the call.
task<void> serve_registry(Ecr& ecr, http::Request request, http::BodyReader& body,
                          http::ResponseWriter& out);

}  // namespace landfall::ecr
