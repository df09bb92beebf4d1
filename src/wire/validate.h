// Constraints of the model that parsing alone does not see: length, range, enum values, patterns.
#pragma once

#include "wire/problems.h"

namespace landfall::wire {

void validate(const Shape& shape, const void* value, Problems& problems, const Path& path);

// Whether all of `text` matches, in time linear in its length.
bool matches(std::span<const PatternStep> steps, std::string_view text);

}  // namespace landfall::wire
