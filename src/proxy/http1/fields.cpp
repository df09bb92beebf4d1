#include "proxy/http1/fields.h"

#include "proxy/http1/scan.h"

namespace landfall::proxy::http1 {
namespace {

void worsen(FieldProblem& problem, Severity severity, Reason reason) {
  if (severity > problem.severity) problem = {severity, reason};
}

// "Transfer_Encoding", "Content Length", "transfer-encoding\x0b": names that a lenient server may
// read as the two that decide where a message ends.
bool resembles_framing(std::string_view name) {
  char letters[24];
  std::size_t count = 0;
  for (const char c : name) {
    const char small = lower(c);
    if (small < 'a' || small > 'z') continue;
    if (count == sizeof letters) return false;
    letters[count++] = small;
  }
  const std::string_view text(letters, count);
  return text == "transferencoding" || text == "contentlength";
}

// The name holds something that no name may hold. Leaves `at` on the colon.
FieldLine odd_name(const char* begin, const char*& at, const char* end, Field& out,
                   FieldProblem& problem) {
  for (; at != end && *at != ':'; ++at) {
    if (*at == '\0' || *at == '\n') {
      worsen(problem, Severity::severe, Reason::bad_header);
      return FieldLine::refused;
    }
    if (*at == '\r') {
      if (end - at < 2) return FieldLine::incomplete;
      // A line without a colon: only white space is let pass (and dropped), the rest is no header.
      const bool blank = trim({begin, at}).empty();
      worsen(problem, blank && at[1] == '\n' ? Severity::ambiguous : Severity::severe,
             blank && at[1] == '\n' ? Reason::empty_header : Reason::bad_header);
      if (!blank || at[1] != '\n') return FieldLine::refused;
      at += 2;
      return FieldLine::skipped;
    }
  }
  if (at == end) return FieldLine::incomplete;
  out.plain_name = false;
  if (at == begin) {
    worsen(problem, Severity::ambiguous, Reason::empty_header);
    out.dropped = true;
  } else if (*begin == ' ' || *begin == '\t') {
    // A folded line belongs to the header above it; those are not supported.
    worsen(problem, Severity::severe, Reason::bad_header);
    return FieldLine::refused;
  } else {
    worsen(problem, Severity::acceptable, Reason::non_compliant_header);
    // White space before the colon is how smuggling begins (RFC 9112, 5.1), so such a field goes
    // no further whatever its name.
    if (at[-1] == ' ' || at[-1] == '\t') out.dropped = true;
  }
  return FieldLine::field;
}

}  // namespace

FieldLine read_field(const char*& at, const char* end, Field& out, FieldProblem& problem) {
  const char* begin = at;
  if (at == end) return FieldLine::incomplete;
  if (*at == '\r') {
    if (end - at < 2) return FieldLine::incomplete;
    if (at[1] == '\n') {
      at += 2;
      return FieldLine::end;
    }
  }
  out.dropped = false;
  std::uint8_t all = 0xff;
  while (at != end && is_token(*at)) all &= kCharClass[static_cast<unsigned char>(*at++)];
  if (at == end) {
    return end - begin > static_cast<std::ptrdiff_t>(kHeaderLimit) ? FieldLine::refused
                                                                   : FieldLine::incomplete;
  }
  out.plain_name = (all & kPlainName) != 0;
  if (*at != ':' || at == begin) {
    const FieldLine odd = odd_name(begin, at, end, out, problem);
    if (odd != FieldLine::field) return odd;
  }
  out.name = {begin, at};
  ++at;
  while (at != end && (*at == ' ' || *at == '\t')) ++at;
  const char* value = at;
  bool non_ascii = false;
  while (true) {
    at = find_control(at, end, non_ascii);
    if (end - at < 2) {
      return at - begin > static_cast<std::ptrdiff_t>(kHeaderLimit) ? FieldLine::refused
                                                                    : FieldLine::incomplete;
    }
    if (*at == '\r' && at[1] == '\n') break;
    if (*at == '\r' || *at == '\0' || *at == '\n') {
      worsen(problem, Severity::severe, Reason::bad_header);
      return FieldLine::refused;
    }
    worsen(problem, Severity::acceptable, Reason::non_compliant_header);
    ++at;
  }
  if (non_ascii) worsen(problem, Severity::acceptable, Reason::non_compliant_header);
  out.value = trim({value, at});
  at += 2;
  out.line = {begin, at};
  if (out.line.size() > kHeaderLimit) {
    worsen(problem, Severity::severe, Reason::bad_header);
    return FieldLine::refused;
  }
  out.known = name_of(out.name);
  if (out.known == Name::other && (out.name.size() > 12 || !out.plain_name) &&
      resembles_framing(out.name)) {
    worsen(problem, Severity::ambiguous, Reason::suspicious_header);
    out.dropped = true;
  }
  return FieldLine::field;
}

bool parse_length(std::string_view text, std::uint64_t& out) {
  if (text.empty() || text.size() > 18) return false;
  out = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    out = out * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return true;
}

Coding parse_transfer_encoding(std::string_view value) {
  if (equals_lower(value, "chunked")) return Coding::chunked;
  if (equals_lower(value, "identity")) return Coding::identity;
  int chunked = 0;
  bool well_formed = !value.empty();
  for_each_member(value, [&](std::string_view member) {
    if (equals_lower(member, "chunked")) ++chunked;
    const std::string_view name = member.substr(0, member.find(';'));
    for (const char c : trim(name)) well_formed = well_formed && is_token(c);
  });
  if (chunked > 1) return Coding::chunked_twice;
  return well_formed ? Coding::unsupported : Coding::malformed;
}

void read_connection(std::string_view value, ConnectionTokens& out) {
  for_each_member(value, [&](std::string_view member) {
    if (equals_lower(member, "close")) {
      out.close = true;
    } else if (equals_lower(member, "keep-alive")) {
      out.keep_alive = true;
    } else if (equals_lower(member, "upgrade")) {
      out.upgrade = true;
    } else {
      out.others = true;
    }
  });
}

}  // namespace landfall::proxy::http1
