// The CBOR form of shapes: bodies of smithy-rpc-v2-cbor, read straight into the structure.
// https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
#pragma once

#include "wire/problems.h"

namespace landfall::wire {

// As read_json: unknown members and nulls are skipped, missing required members go to `problems`, a
// value of a wrong type is a SerializationException. Definite and indefinite lengths are read.
Result<void> read_cbor(const Shape& shape, std::string_view body, void* out, Problems& problems);

// Appends. `root` also writes the empty lists and maps of the top level.
void write_cbor(const Shape& shape, const void* value, std::string& out, bool root = false);
void write_cbor_string(std::string_view text, std::string& out);
// The head of a map of `size` pairs.
void write_cbor_map(std::size_t size, std::string& out);

}  // namespace landfall::wire
