#include <algorithm>
#include <cstring>

#include "proxy/http1/fields.h"
#include "proxy/http1/scan.h"

namespace landfall::proxy::http1 {
namespace {

Parsed refuse(RequestHead& out, int status, Reason reason) {
  out.status = status;
  out.classify(Severity::severe, reason);
  return Parsed::refused;
}

// "HTTP/1.1" and "HTTP/1.0" are known here; anything else shaped like a version is 505.
Parsed read_version(std::string_view text, RequestHead& out) {
  if (text == "HTTP/1.1") {
    out.minor_version = 1;
    return Parsed::complete;
  }
  if (text == "HTTP/1.0") {
    out.minor_version = 0;
    return Parsed::complete;
  }
  const bool shaped = text.size() == 8 && text.starts_with("HTTP/") && text[5] >= '0' &&
                      text[5] <= '9' && text[6] == '.' && text[7] >= '0' && text[7] <= '9';
  if (!shaped) return refuse(out, 400, Reason::bad_version);
  out.status = 505;
  out.classify(Severity::acceptable, Reason::non_compliant_version);
  return Parsed::refused;
}

// The rest of a request line that is not simply "target HTTP/1.x".
Parsed odd_request_line(const char* begin, const char*& at, const char* end, RequestHead& out) {
  const auto* line_end =
      static_cast<const char*>(std::memchr(begin, '\n', static_cast<std::size_t>(end - begin)));
  if (line_end == nullptr) {
    return end - begin > static_cast<std::ptrdiff_t>(kRequestLineLimit)
               ? refuse(out, 414, Reason::bad_uri)
               : Parsed::incomplete;
  }
  if (line_end - begin > static_cast<std::ptrdiff_t>(kRequestLineLimit))
    return refuse(out, 414, Reason::bad_uri);
  if (line_end == begin || line_end[-1] != '\r') return refuse(out, 400, Reason::bad_uri);
  const std::string_view line(begin, line_end - 1);
  const std::size_t space = line.rfind(' ');
  if (space == std::string_view::npos || space == 0) return refuse(out, 400, Reason::bad_version);
  out.target = line.substr(0, space);
  for (const char c : out.target) {
    if (c == '\0' || c == '\r' || c == '\n') return refuse(out, 400, Reason::bad_uri);
    if (c == ' ') {
      out.classify(Severity::acceptable, Reason::space_in_uri);
    } else if ((kCharClass[static_cast<unsigned char>(c)] & kUri) == 0) {
      out.classify(Severity::ambiguous, Reason::ambiguous_uri);
    }
  }
  // Would be read as a request without a version by some.
  if (out.target.front() == ' ' || out.target.back() == ' ')
    return refuse(out, 400, Reason::bad_uri);
  at = line_end + 1;
  return read_version(line.substr(space + 1), out);
}

Parsed split_target(RequestHead& out) {
  std::string_view rest = out.target;
  out.absolute = false;
  if (rest.front() != '/') {
    if (rest == "*" && out.method == "OPTIONS") {
      out.path = rest;
      return Parsed::complete;
    }
    const std::size_t scheme = rest.find("://");
    const std::string_view name = rest.substr(0, std::min(scheme, rest.size()));
    if (scheme == std::string_view::npos ||
        !(equals_lower(name, "http") || equals_lower(name, "https"))) {
      return refuse(out, 400, Reason::bad_uri);
    }
    rest.remove_prefix(scheme + 3);
    const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
    out.authority = rest.substr(0, end);
    if (const std::size_t user = out.authority.rfind('@'); user != std::string_view::npos)
      out.authority.remove_prefix(user + 1);
    if (out.authority.empty()) return refuse(out, 400, Reason::bad_uri);
    out.absolute = true;
    rest.remove_prefix(end);
  }
  if (const std::size_t fragment = rest.find('#'); fragment != std::string_view::npos)
    rest = rest.substr(0, fragment);
  // Only its path goes on; a space before a fragment would be the last of it.
  if (out.absolute && rest.ends_with(' ')) return refuse(out, 400, Reason::bad_uri);
  const std::size_t mark = rest.find('?');
  out.path = rest.substr(0, mark);
  out.has_query = mark != std::string_view::npos;
  out.query = out.has_query ? rest.substr(mark + 1) : std::string_view();
  return Parsed::complete;
}

Parsed read_request_line(const char*& at, const char* end, RequestHead& out) {
  const char* begin = at;
  while (at != end && is_token(*at)) ++at;
  if (at == end) {
    return at - begin > 64 ? refuse(out, 400, Reason::bad_method) : Parsed::incomplete;
  }
  if (*at != ' ' || at == begin) return refuse(out, 400, Reason::bad_method);
  out.method = {begin, at};
  const char* target = ++at;
  at = find_space(at, end);
  Parsed parsed;
  if (end - at >= 11 && at != target && *at == ' ' && at[9] == '\r' && at[10] == '\n' &&
      at - begin <= static_cast<std::ptrdiff_t>(kRequestLineLimit)) {
    out.target = {target, at};
    parsed = read_version({at + 1, 8}, out);
    at += 11;
  } else {
    parsed = odd_request_line(target, at, end, out);
  }
  return parsed == Parsed::complete ? split_target(out) : parsed;
}

struct Seen {
  int lengths = 0;
  int codings = 0;
  ConnectionTokens connection;
  bool has_upgrade = false;
};

Parsed take_length(std::string_view value, Field& field, RequestHead& out, Seen& seen) {
  std::uint64_t length = 0;
  if (!parse_length(value, length)) return refuse(out, 400, Reason::bad_content_length);
  if (seen.lengths++ > 0) {
    if (length != out.framing.length) return refuse(out, 400, Reason::multiple_content_length);
    out.classify(Severity::ambiguous, Reason::duplicate_content_length);
    field.dropped = true;
  }
  out.framing.has_length = true;
  out.framing.length = length;
  return Parsed::complete;
}

Parsed take_coding(std::string_view value, Field& field, RequestHead& out, Seen& seen) {
  switch (parse_transfer_encoding(value)) {
    case Coding::chunked:
      if (seen.codings++ > 0) return refuse(out, 400, Reason::multiple_transfer_encoding_chunked);
      // RFC 9112, 6.1: HTTP/1.0 knows no chunks, so nobody knows where such a message ends.
      if (out.minor_version == 0) return refuse(out, 400, Reason::bad_transfer_encoding);
      out.framing.chunked = true;
      return Parsed::complete;
    case Coding::identity:
      field.dropped = true;
      return Parsed::complete;
    case Coding::chunked_twice:
      return refuse(out, 400, Reason::multiple_transfer_encoding_chunked);
    case Coding::malformed:
      return refuse(out, 400, Reason::bad_transfer_encoding);
    case Coding::unsupported:
      return refuse(out, 501, Reason::bad_transfer_encoding);
  }
  return refuse(out, 400, Reason::bad_transfer_encoding);
}

bool valid_authority(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '/' || c == '?' || c == '#' ||
           c == '@' || c == '\\' || c == ',';
  });
}

Parsed take_field(Field& field, RequestHead& out, Seen& seen) {
  switch (field.known) {
    case Name::content_length:
      return take_length(field.value, field, out, seen);
    case Name::transfer_encoding:
      return take_coding(field.value, field, out, seen);
    case Name::host:
      // Rules and targets see the first one only.
      if (out.has_host) {
        field.dropped = true;
      } else if (!out.absolute) {
        out.authority = field.value;
      }
      out.has_host = true;
      return Parsed::complete;
    case Name::connection:
      read_connection(field.value, seen.connection);
      return Parsed::complete;
    case Name::upgrade:
      seen.has_upgrade = true;
      return Parsed::complete;
    case Name::expect:
      if (equals_lower(field.value, "100-continue")) out.expect_continue = true;
      return Parsed::complete;
    default:
      return Parsed::complete;
  }
}

Parsed finish(RequestHead& out, const Seen& seen) {
  Framing& framing = out.framing;
  if (framing.chunked && framing.has_length) {
    out.classify(Severity::ambiguous, Reason::both_te_cl_present);
    // RFC 9112, 6.3: the coding wins, and the length must not travel on.
    framing.has_length = false;
    framing.length = 0;
    for (Field& field : out.fields) {
      if (field.known == Name::content_length) field.dropped = true;
    }
  }
  out.head_method = out.method == "HEAD";
  if (out.head_method || out.method == "GET") {
    if (framing.chunked) {
      out.classify(Severity::ambiguous, Reason::undefined_transfer_encoding_semantics);
    } else if (framing.has_length && framing.length == 0) {
      out.classify(Severity::acceptable, Reason::get_head_zero_content_length);
    } else if (framing.has_length) {
      out.classify(Severity::ambiguous, Reason::undefined_content_length_semantics);
    }
  }
  if (out.minor_version == 1 && !out.has_host && !out.absolute)
    return refuse(out, 400, Reason::bad_header);
  if (!valid_authority(out.authority)) return refuse(out, 400, Reason::bad_header);
  out.close = seen.connection.close || (out.minor_version == 0 && !seen.connection.keep_alive);
  out.keep_alive_10 = out.minor_version == 0 && !out.close;
  out.upgrade = seen.connection.upgrade && seen.has_upgrade && out.minor_version == 1;
  out.names_hops = seen.connection.others;
  return Parsed::complete;
}

}  // namespace

Parsed parse_request(std::string_view data, RequestHead& out) {
  std::vector<Field> fields = std::move(out.fields);
  fields.clear();
  out = RequestHead{};
  out.fields = std::move(fields);
  const char* at = data.data();
  const char* end = at + data.size();
  // RFC 9112, 2.2: empty lines before a request are skipped.
  while (end - at >= 2 && at[0] == '\r' && at[1] == '\n' && at - data.data() < 8) at += 2;
  if (at == end || (end - at == 1 && *at == '\r')) return Parsed::incomplete;
  if (const Parsed line = read_request_line(at, end, out); line != Parsed::complete) return line;

  Seen seen;
  FieldProblem problem;
  const char* head = at;
  while (true) {
    Field& field = out.fields.emplace_back();
    switch (read_field(at, end, field, problem)) {
      case FieldLine::field:
        if (!field.dropped) {
          if (const Parsed taken = take_field(field, out, seen); taken != Parsed::complete)
            return taken;
        }
        break;
      case FieldLine::skipped:
        out.fields.pop_back();
        break;
      case FieldLine::end:
        out.fields.pop_back();
        out.size = static_cast<std::size_t>(at - data.data());
        if (static_cast<std::size_t>(at - head) > kRequestHeadLimit)
          return refuse(out, 400, Reason::bad_header);
        out.classify(problem.severity, problem.reason);
        return finish(out, seen);
      case FieldLine::incomplete:
        return static_cast<std::size_t>(end - head) > kRequestHeadLimit
                   ? refuse(out, 400, Reason::bad_header)
                   : Parsed::incomplete;
      case FieldLine::refused:
        return refuse(out, 400, Reason::bad_header);
    }
  }
}

}  // namespace landfall::proxy::http1
