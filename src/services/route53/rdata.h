// Record values as people write them, and as they go over the wire.
// https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/ResourceRecordTypes.html
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace landfall::route53 {

// None: a type that Landfall's DNS does not serve.
std::optional<std::uint16_t> type_number(std::string_view type);

// RDATA of one value. Error: what is wrong with it, as the message.
Result<std::string> encode_value(std::string_view type, std::string_view value);

}  // namespace landfall::route53
