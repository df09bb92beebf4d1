// The process `landfall proxy` from its start to its end.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace landfall::proxy {

// Takes over from the process that answers in `folder`, if there is one; serves until it is told to
// stop, replaced or signalled, then drains. threads: 0 takes one per processor.
Result<void> run_process(const std::filesystem::path& folder, unsigned threads);

}  // namespace landfall::proxy
