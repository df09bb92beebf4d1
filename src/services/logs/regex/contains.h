// Whether a text holds another: what most of a search is.
#pragma once

#include <string_view>

namespace landfall::logs {

bool contains(std::string_view text, std::string_view part);

}  // namespace landfall::logs
