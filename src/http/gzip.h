// Bodies that clients compress (Content-Encoding: gzip), as SDKs do with large PutMetricData.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace landfall::http {

// Errors: "not-gzip", "body-too-large" when more than `limit` bytes come out.
Result<std::string> gunzip(std::string_view compressed, std::size_t limit);
std::string gzip(std::string_view plain);

}  // namespace landfall::http
