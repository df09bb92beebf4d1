// Scalars as text: in form parameters, XML, headers and URIs; and text made fit for a document.
#pragma once

#include "wire/shape.h"

namespace landfall::wire {

// False when `text` is no value of that kind. Blobs are base64.
bool read_scalar(const Shape& shape, std::string_view text, void* out);
// `otherwise` is the protocol's form for timestamps that have none of their own.
std::string write_scalar(const Shape& shape, const void* value, TimeFormat format,
                         TimeFormat otherwise);
// "1795255898" or "1795255898.103".
std::string write_epoch(TimePoint time);
// Seconds since 1970; false when no time we can hold.
bool read_epoch(double seconds, TimePoint& out);
// Integers that a double holds exactly count as integers.
bool read_integer(double number, std::int64_t& out);

bool is_scalar(Kind kind);

// The text itself, or with every broken sequence replaced by U+FFFD: what containers print need not
// be UTF-8.
std::string valid_utf8(std::string_view text);

}  // namespace landfall::wire
