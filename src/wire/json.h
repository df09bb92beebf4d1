// The JSON form of shapes: bodies of the JSON protocols, and records in the store.
// https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
#pragma once

#include "wire/problems.h"

namespace landfall::wire {

// Text to value; nesting is bounded. Error: SerializationException.
Result<json::value> parse_json(std::string_view text);

// Unknown members and nulls are skipped. Missing required members go to `problems`; a value of a
// wrong type is a SerializationException. `path` is where `out` stands.
Result<void> read_json(const Shape& shape, const json::value& from, void* out, Problems& problems,
                       const Path& path);

// Appends. `root` also writes the empty lists and maps of the top level; members that do not travel
// in the body are left out.
void write_json(const Shape& shape, const void* value, std::string& out, bool root = false);
void write_json_string(std::string_view text, std::string& out);

}  // namespace landfall::wire
