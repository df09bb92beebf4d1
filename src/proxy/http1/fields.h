// The lines of a head behind its first one; the same for requests and responses.
#pragma once

#include "proxy/http1/head.h"

namespace landfall::proxy::http1 {

struct FieldProblem {
  Severity severity = Severity::compliant;
  Reason reason = Reason::none;
};

enum class FieldLine : std::uint8_t {
  field,
  skipped,     // a line that is dropped: it holds no field
  end,         // the empty line
  incomplete,  // wants more bytes
  refused,
};

// Reads one line at `at` and moves `at` behind it. `problem` gets the worst that the line shows.
FieldLine read_field(const char*& at, const char* end, Field& out, FieldProblem& problem);

// Digits only; false when it is anything else or does not fit.
bool parse_length(std::string_view text, std::uint64_t& out);

// What a Transfer-Encoding value says.
enum class Coding : std::uint8_t { chunked, identity, chunked_twice, unsupported, malformed };
Coding parse_transfer_encoding(std::string_view value);

struct ConnectionTokens {
  bool close = false;
  bool keep_alive = false;
  bool upgrade = false;
  bool others = false;  // names fields
};
void read_connection(std::string_view value, ConnectionTokens& out);

}  // namespace landfall::proxy::http1
