#include "proxy/http1/fields.h"
#include "proxy/http1/scan.h"

namespace landfall::proxy::http1 {
namespace {

Parsed read_status_line(const char*& at, const char* end, ResponseHead& out) {
  const char* begin = at;
  constexpr std::string_view kStart = "HTTP/1.";
  const std::size_t have = static_cast<std::size_t>(end - at);
  const std::string_view start(at, std::min(have, kStart.size()));
  if (start != kStart.substr(0, start.size())) return Parsed::refused;
  if (have < 13) return Parsed::incomplete;
  const char minor = at[7];
  if ((minor != '0' && minor != '1') || at[8] != ' ') return Parsed::refused;
  out.minor_version = minor - '0';
  out.status = 0;
  for (int i = 9; i < 12; ++i) {
    if (at[i] < '0' || at[i] > '9') return Parsed::refused;
    out.status = out.status * 10 + (at[i] - '0');
  }
  if (out.status < 100 || out.status > 599) return Parsed::refused;
  at += 12;
  if (*at != ' ' && *at != '\r') return Parsed::refused;
  bool non_ascii = false;
  const char* reason = at;
  at = find_control(at, end, non_ascii);
  if (end - at < 2) return Parsed::incomplete;
  if (at[0] != '\r' || at[1] != '\n') return Parsed::refused;
  out.reason = trim({reason, at});
  at += 2;
  out.status_line = {begin, at};
  return Parsed::complete;
}

bool take_field(Field& field, ResponseHead& out, ConnectionTokens& connection) {
  switch (field.known) {
    case Name::content_length: {
      std::uint64_t length = 0;
      if (!parse_length(field.value, length)) return false;
      if (out.framing.has_length) {
        if (length != out.framing.length) return false;
        field.dropped = true;
        out.edits = true;
      }
      out.framing.has_length = true;
      out.framing.length = length;
      return true;
    }
    case Name::transfer_encoding:
      switch (parse_transfer_encoding(field.value)) {
        case Coding::chunked:
          if (out.framing.chunked) return false;
          out.framing.chunked = true;
          return true;
        case Coding::identity:
          field.dropped = true;
          out.edits = true;
          return true;
        default:
          return false;
      }
    case Name::connection:
      read_connection(field.value, connection);
      out.edits = true;
      return true;
    case Name::keep_alive:
    case Name::proxy_connection:
    case Name::upgrade:
      out.edits = true;
      return true;
    default:
      return true;
  }
}

}  // namespace

Parsed parse_response(std::string_view data, ResponseHead& out) {
  std::vector<Field> fields = std::move(out.fields);
  fields.clear();
  out = ResponseHead{};
  out.fields = std::move(fields);
  const char* at = data.data();
  const char* end = at + data.size();
  const bool too_large = data.size() > kResponseHeadLimit;
  if (const Parsed line = read_status_line(at, end, out); line != Parsed::complete)
    return line == Parsed::incomplete && too_large ? Parsed::refused : line;

  ConnectionTokens connection;
  FieldProblem problem;
  while (true) {
    Field& field = out.fields.emplace_back();
    switch (read_field(at, end, field, problem)) {
      case FieldLine::field:
        if (field.dropped) {
          out.edits = true;
        } else if (!take_field(field, out, connection)) {
          return Parsed::refused;
        }
        break;
      case FieldLine::skipped:
        out.fields.pop_back();
        out.edits = true;
        break;
      case FieldLine::end: {
        out.fields.pop_back();
        out.size = static_cast<std::size_t>(at - data.data());
        if (out.size > kResponseHeadLimit) return Parsed::refused;
        if (out.framing.chunked && out.framing.has_length) {
          // The coding wins; a target that says both is not trusted with another request.
          out.framing.has_length = false;
          for (Field& each : out.fields) {
            if (each.known == Name::content_length) each.dropped = true;
          }
          out.edits = true;
          connection.close = true;
        }
        out.close = connection.close || (out.minor_version == 0 && !connection.keep_alive);
        out.upgrade = connection.upgrade;
        return Parsed::complete;
      }
      case FieldLine::incomplete:
        return too_large ? Parsed::refused : Parsed::incomplete;
      case FieldLine::refused:
        return Parsed::refused;
    }
  }
}

}  // namespace landfall::proxy::http1
